"""The scripts of `examples/`: what somebody writes who has read the types and nothing else.

They are clean under strict type checkers, and they do what they say.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import kesspay
import pytest
from conftest import path_of_tests
from kesspay.testing import sign_notice
from payroll import BROWSER, row, write

HERE = Path(__file__).parents[1]
EXAMPLES = HERE / "examples"


def load(name: str) -> Any:
    """One of the scripts, as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(
    *args: str | Path, cwd: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, args)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **(environment or {}), "PYTHONPATH": path_of_tests()},
    )


def test_the_scripts_are_clean_under_mypy() -> None:
    pytest.importorskip("mypy")
    scripts = sorted(EXAMPLES.glob("*.py"))
    assert len(scripts) >= 4
    ran = run("-m", "mypy", "--strict", *scripts, cwd=HERE)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_scripts_are_clean_under_pyright() -> None:
    pytest.importorskip("pyright")
    if run("-m", "pyright", "--version", cwd=HERE).returncode != 0:
        pytest.skip("pyright has no node to run on, and cannot fetch one")
    scripts = sorted(EXAMPLES.glob("*.py"))
    ran = run("-m", "pyright", "--pythonpath", sys.executable, *scripts, cwd=HERE)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("account", "told"),
    [
        ("000123456", ["paid"]),
        ("000120504", ["no answer (unavailable)", "paid"]),
        ("000120601", ["no answer (", "paid"]),
        ("000120404", ["there is no such account (NOT_FOUND)"]),
        ("000120400", ["refused, certainly not paid: withdraw: ", "not paid"]),
        ("900123456", ["the account is kept in KHR"]),
        ("000120410", ["not paid"]),
        ("000120202", ["paid"]),
    ],
)
def test_one_person_is_paid_whatever_happens(
    account: str,
    told: list[str],
    kess_sandbox: kesspay.Sandbox,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = load("pay_one_person")
    monkeypatch.setattr(script.time, "sleep", lambda _: None)
    for name, value in kess_sandbox.environment.items():
        monkeypatch.setenv(name, value)
    pay = script.pay

    def pay_there(client: kesspay.Client, number: str, amount: Decimal, _: str, bic: str) -> bool:
        return bool(pay(client, number, amount, account, bic))

    monkeypatch.setattr(script, "pay", pay_there)
    script.main()
    out = capsys.readouterr().out
    for words in told:
        assert words in out, out
    moved = kess_sandbox.ledger().moved("USD")
    assert moved == (Decimal("25.00") if out.endswith("\npaid\n") or out == "paid\n" else 0)


def test_a_payroll_tells_what_happens(kess_sandbox: kesspay.Sandbox, tmp_path: Path) -> None:
    people = [
        row(1, department="Sewing"),
        row(2, "0404", department="Sewing"),
        row(3, "0411", department="Office"),
        row(4, "0777", department="Office"),
        row(5, department="Office"),
    ]
    path = write(tmp_path / "june.csv", people)
    kess_sandbox.add_accounts(path)
    environment = {**kess_sandbox.environment, "POLARS_FMT_TABLE_FORMATTING": "ASCII_FULL"}
    script = EXAMPLES / "payroll_events.py"
    ran = run(script, path, cwd=tmp_path, environment=environment)
    assert ran.returncode == 4, ran.stderr
    for words in ("P-0002: failed: ", "P-0003: held: ", "P-0004: a one-time password is wanted",
                  "6.06 of 15.15 USD paid", "next: engine.otp('june')"):
        assert words in ran.stdout, ran.stdout
    again = run(script, path, cwd=tmp_path, environment=environment)
    assert again.returncode == 3 and "june" in again.stdout, again.stderr
    wrong = write(tmp_path / "july.csv", [row(1, email="x")])
    assert run(script, wrong, cwd=tmp_path, environment=environment).returncode == 3


def test_the_pytest_file_passes_as_it_is(tmp_path: Path) -> None:
    ran = run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "--rootdir", tmp_path,
        "-c", os.devnull, EXAMPLES / "test_salaries.py", cwd=tmp_path,
    )
    assert ran.returncode == 0 and "4 passed" in ran.stdout, ran.stdout + ran.stderr


def test_notices_are_verified_and_then_asked_about(kess_sandbox: kesspay.Sandbox) -> None:
    client = kess_sandbox.client()
    client.quick_pay(
        out_trade_no="TR-1", auth_code="134567890", body="Tea", total_amount="2", currency="USD",
        service_code="WECHAT",
    )
    client.create_order(out_trade_no="TR-2", body="Tea", total_amount="2", currency="USD")
    secret = kess_sandbox.environment["KESS_API_SECRET_KEY"]
    paid: list[str] = []
    server = load("webhook").server(client, 0, paid.append)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()

    def post(body: bytes) -> int:
        url = f"http://127.0.0.1:{server.server_address[1]}/notify"
        try:
            with BROWSER.open(urllib.request.Request(url, data=body)) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def notice(number: str, key: str = secret) -> bytes:
        return sign_notice(key, {"out_trade_no": number, "status": "SUCCESS"})

    try:
        assert post(notice("TR-1")) == 200 and paid == ["TR-1"]
        assert post(notice("TR-2")) == 200, "it claims to be paid"
        assert post(notice("TR-1", "somebody else's")) == 400
        assert post(b"out_trade_no=TR-1&status=SUCCESS") == 400
        assert post(notice("TR-9")) == 503
        assert paid == ["TR-1"]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
