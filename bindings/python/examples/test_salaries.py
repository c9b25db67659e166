"""How to test code that pays: the fixtures come with the package, and no gateway is needed.

    pytest test_salaries.py
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import kesspay
import pytest


def bonus(client: kesspay.Client, number: str, amount: Decimal) -> str:
    """The code under test: pays a bonus, and asks where the answer was lost."""
    person = kesspay.Customer(
        first_name="Dara", last_name="Sok", phone_number="012345678", email="dara@example.com"
    )
    try:
        client.withdraw_by_bank_number(
            out_trade_no=number,
            total_amount=amount,
            currency="USD",
            bic="ABAAKHPP",
            bank_account="000123456",
            customer=person,
        )
    except kesspay.UnknownOutcomeError:
        pass
    return str(client.query_order(out_trade_no=number).status)


def test_a_bonus_is_paid(kess_sandbox: kesspay.Sandbox, kess_client: kesspay.Client) -> None:
    assert bonus(kess_client, "BONUS-1", Decimal("25.00")) == "SUCCESS"
    assert kess_sandbox.ledger().moved("USD") == Decimal("25.00")


def test_a_bonus_is_paid_once_on_a_bad_day(
    kess_sandbox: kesspay.Sandbox, kess_client: kesspay.Client
) -> None:
    kess_sandbox.add_fault("cut_after_booking", service="withdraw_by_bank_number", times=1)
    assert bonus(kess_client, "BONUS-1", Decimal("25.00")) == "SUCCESS"
    row = kess_sandbox.ledger().row("BONUS-1")
    assert row is not None and row.times_booked == 1


def test_a_bonus_is_refused_and_not_paid(
    kess_sandbox: kesspay.Sandbox, kess_client: kesspay.Client
) -> None:
    kess_sandbox.add_fault("low_balance", service="withdraw_by_bank_number")
    with pytest.raises(kesspay.RefusedError) as refused:
        bonus(kess_client, "BONUS-1", Decimal("25.00"))
    assert refused.value.outcome == "answered"
    assert kess_sandbox.ledger().moved("USD") == 0


def test_salaries_are_paid(
    kess_sandbox: kesspay.Sandbox, kess_client: kesspay.Client, tmp_path: Path
) -> None:
    file = tmp_path / "june.csv"
    file.write_text(
        "reference,first_name,last_name,phone_number,email,bank_account_number,bic,"
        "amount,currency\n"
        "P-1,Dara,Sok,012345678,dara@example.com,000120101,ABAAKHPP,450.00,USD\n"
        "P-2,Bopha,Chan,012345679,bopha@example.com,000120102,ACLBKHPP,1840000,KHR\n"
    )
    kess_sandbox.add_accounts(file)
    engine = kesspay.PayoutEngine(str(tmp_path / "payout.db"), kess_client)
    report = engine.run(file, expect_rows=2, expect_total={"USD": "450.00", "KHR": 1_840_000})
    assert report.status.is_paid
    assert kess_sandbox.ledger().moved("KHR") == 1_840_000
