"""The package as it is installed: its types, its names."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import kesspay
import pytest

HERE = Path(__file__).parents[1]


def test_every_name_is_public_once() -> None:
    assert len(kesspay.__all__) == len(set(kesspay.__all__))
    assert kesspay.__version__ == importlib.metadata.version("kesspay")


# Frames of pandas and polars are named in annotations; to read all of both takes long where nothing
# is kept from one time to the next.
CONFIG = """
[mypy]
[mypy-pandas.*,polars.*]
follow_imports = skip
follow_imports_for_stubs = True
"""


@pytest.mark.parametrize("command", [["mypy"], ["mypy.stubtest", "kesspay._native"]])
def test_types_hold(command: list[str], tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    if command[0] == "mypy.stubtest":
        (tmp_path / "mypy.ini").write_text(CONFIG)
        command = [*command, "--mypy-config-file", str(tmp_path / "mypy.ini")]
    ran = subprocess.run(
        [sys.executable, "-m", *command], cwd=HERE, capture_output=True, text=True, timeout=600
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_users_are_told_of_wrong_types(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "mypy.ini").write_text(CONFIG)
    script = tmp_path / "user.py"
    script.write_text(
        "import kesspay\n"
        "client = kesspay.Client.from_env()\n"
        "order = client.query_order(out_trade_no='A')\n"
        "order.total_amount + 1\n"
        "client.query_order(out_trade_no=1)\n"
        "client.create_order(out_trade_no='A', body='b', total_amount=1.5, currency='USD')\n"
        "client.query_order('A')\n"
        "order.frobnicate\n"
    )
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", "mypy.ini", str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    told = {int(line.split(":")[1]) for line in ran.stdout.splitlines() if ": error:" in line}
    assert told == {5, 6, 7, 8}, ran.stdout
