"""Batches, rows and findings that nobody ran, for tests of what people see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from kesspay.batch import BatchState, Outcome, Reason, Status, Total
from kesspay.check import Check, Finding
from kesspay.report import ReportRow

NOON = datetime(2026, 6, 30, 12, 0, tzinfo=timezone.utc)


def status(counts: dict[str, int], **changes: Any) -> Status:
    """A batch called june whose every row is over 10 USD."""
    every = {outcome: counts.get(outcome.value, 0) for outcome in Outcome}
    by_outcome = {outcome: Decimal(10 * count) for outcome, count in every.items()}
    rows = sum(every.values())
    made = Status(
        batch="june",
        state=BatchState.FINISHED,
        rows=rows,
        counts=every,
        totals={"USD": Total(requested=Decimal(10 * rows), by_outcome=by_outcome)},
        elapsed=timedelta(seconds=3.27),
        stopped=None,
        interrupted=False,
        cancelled=None,
        dry_run=False,
        source="june.csv (sha256 0a)",
        created_at=NOON,
        purged_at=None,
    )
    return replace(made, **changes)


def row(number: int, outcome: Outcome, **changes: Any) -> ReportRow:
    """A row with everything personal that a row can have."""
    made = ReportRow(
        row=number,
        line=number + 1,
        reference=f"P-{number}",
        outcome=outcome,
        out_trade_no=f"K1-{number}-1",
        amount=Decimal("1234.5"),
        currency="USD",
        bic="ABAAKHPP",
        account="00****456",
        holder_name="SOK DARA",
        transaction_id="TR-1",
        otp_url="https://gateway.example/otp/bearer",
        otp_expires_at=NOON,
        attempts=1,
        error=None,
        warning=None,
        extra={"department": "Sewing"},
        updated_at=NOON,
    )
    return replace(made, **changes)


class Source:
    """Where a report reads its rows; it counts how many it handed out."""

    def __init__(self, rows: list[ReportRow], page: int = 100) -> None:
        self._rows = rows
        self._page = page
        self.handed_out = 0

    def rows(self, after: int) -> Answer:
        page = [row for row in self._rows if row.row > after][: self._page]
        self.handed_out += len(page)
        return Answer(page)


class Answer:
    """An answer that is there already."""

    def __init__(self, page: list[ReportRow]) -> None:
        self._page = page

    def wait(self) -> list[ReportRow]:
        return self._page


def finding(line: int, column: str | None, value: str | None, **changes: Any) -> Finding:
    made = Finding(
        line=line,
        row=line - 1,
        column=column,
        code="amount_separator",
        value=value,
        message="the amount has separators",
        hint="write a plain number, such as 1234.50",
    )
    return replace(made, **changes)


def check(rows: int, problems: list[Finding], warnings: list[Finding], **changes: Any) -> Check:
    valid = rows - len({it.row for it in problems})
    made: Any = Check(
        rows=rows,
        valid=valid,
        totals={"USD": Decimal(10 * valid)} if valid else {},
        problems=problems,
        warnings=warnings,
        _source=None,  # type: ignore[arg-type]
    )
    return replace(made, **changes)  # type: ignore[no-any-return]


def rows(counts: dict[str, int]) -> Iterator[ReportRow]:
    """Rows in the order of the file, the paid ones first."""
    number = 0
    for outcome, count in counts.items():
        for _ in range(count):
            number += 1
            reason = Reason("REFUSED", "the gateway refuses it") if outcome == "failed" else None
            yield row(number, Outcome(outcome), error=reason)
