"""What an account's last digits ask of the sandbox, as the manual has it, and what comes of it."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import kesspay
import polars
from payroll import POLICY, row

MANUAL = Path(__file__).parents[3] / "docs" / "python.md"

# ending, outcome with names compared strictly, and whether the money left the wallet
ACCOUNTS = [
    ("1234", "paid", True),
    ("0404", "failed", False),
    ("0411", "held", False),
    ("0412", "held", False),
    ("0400", "failed", False),
    ("0402", "failed", False),
    # The answer does not prove that nothing moved, so a person or time has to tell.
    ("0422", "in_doubt", False),
    ("0504", "paid", True),
    ("0600", "paid", True),
    ("0601", "paid", True),
    ("0202", "paid", True),
    ("0410", "expired", False),
    # Kept back until somebody enters the password, or time runs out.
    ("0777", "awaiting_otp", True),
    ("0778", "awaiting_otp", True),
]


def test_each_ending_does_what_the_manual_says(
    kess_sandbox: kesspay.Sandbox, tmp_path: Path
) -> None:
    people = polars.DataFrame([row(n, ending) for n, (ending, *_) in enumerate(ACCOUNTS, 1)])
    kess_sandbox.add_accounts(people)
    policy = {**POLICY, "patience": "5s"}
    engine = kesspay.PayoutEngine(str(tmp_path / "p.db"), kess_sandbox.client(), policy=policy)
    report = engine.run(people, name_match="strict")
    ledger = kess_sandbox.ledger()
    for person, (ending, outcome, is_gone) in zip(report, ACCOUNTS, strict=True):
        assert (ending, person.outcome) == (ending, outcome), person
        booking = ledger.row(person.out_trade_no or "")
        moved = Decimal(0) if booking is None else booking.moved
        assert moved == (person.amount if is_gone else 0), (ending, booking)
        assert booking is None or booking.times_booked <= 1
        assert (person.error is None) == (outcome in ("paid", "awaiting_otp")), person


def test_want_of_funds_stops_the_batch(kess_sandbox: kesspay.Sandbox, tmp_path: Path) -> None:
    engine = kesspay.PayoutEngine(str(tmp_path / "p.db"), kess_sandbox.client(), policy=POLICY)
    report = engine.run(polars.DataFrame([row(1, amount=Decimal("99999999.00"))]))
    stopped = report.status.stopped
    assert stopped is not None and stopped.cause == kesspay.StopCause.FUNDS
    assert report.status.unsettled == 1 and kess_sandbox.ledger().moved("USD") == 0
    assert str(stopped) in report.status.next_steps()[0]


def test_what_waits_for_ever_expires(kess_sandbox: kesspay.Sandbox, tmp_path: Path) -> None:
    policy = {**POLICY, "patience": "200ms"}
    engine = kesspay.PayoutEngine(str(tmp_path / "p.db"), kess_sandbox.client(), policy=policy)
    report = engine.run(polars.DataFrame([row(1, "0203")]), expires_in=60)
    assert report.status.counts["processing"] == 1
    kess_sandbox.advance(120)
    report = engine.resume()
    assert report.status.counts["expired"] == 1 and kess_sandbox.ledger().moved("USD") == 0


def test_the_manual_lists_every_ending() -> None:
    listed = set(re.findall(r"`(0\d{3})`", MANUAL.read_text(encoding="utf-8")))
    known = {ending for ending, *_ in ACCOUNTS} - {"1234"} | {"0203"}
    assert listed == known


def test_accounts_come_out_of_a_frame(kess_sandbox: kesspay.Sandbox) -> None:
    riel = row(2, currency="KHR", amount=Decimal(4000))
    people = polars.DataFrame([row(1), riel, row(3, email="x")])
    assert kess_sandbox.add_accounts(people) == 2
    account = kess_sandbox.client().verify_bank_account(
        bank_account_number=row(2)["bank_account_number"], bic="ABAAKHPP"
    )
    assert account.currency == "KHR"
