"""What many tests begin with. The fixtures `kess_*` come from the package's own plugin."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable

import kesspay
import pytest

CUSTOMER = kesspay.Customer(
    phone_number="012345678", email="dara@example.com", first_name="Sok", last_name="Dara"
)


def path_of_tests() -> str:
    """Where a process of its own finds what the tests find: this folder, and what was given."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    folders = [os.path.dirname(__file__), *(os.path.abspath(folder) for folder in given if folder)]
    return os.pathsep.join(folders)


@pytest.fixture
def customer() -> kesspay.Customer:
    return CUSTOMER


@pytest.fixture
def withdraw(kess_sandbox: kesspay.Sandbox) -> Callable[..., kesspay.records.Withdrawal]:
    """Withdraws ten dollars and a half to an account of the sandbox."""

    def pay(
        client: kesspay.Client, out_trade_no: str, **more: object
    ) -> kesspay.records.Withdrawal:
        fields: dict[str, object] = {
            "out_trade_no": out_trade_no,
            "total_amount": "10.50",
            "currency": "USD",
            "bic": "ABAAKHPP",
            "bank_account": "000123456",
            "customer": CUSTOMER,
        }
        return client.withdraw_by_bank_number(**{**fields, **more})  # type: ignore[arg-type]

    return pay


@pytest.fixture
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a script in a process of its own."""

    def run(script: str, *args: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script), *args],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "PYTHONPATH": path_of_tests()},
        )

    return run
