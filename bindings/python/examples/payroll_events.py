"""Pays a payroll from a polars frame, and tells what happens while it happens.

    python payroll_events.py june.csv
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import kesspay
import polars as pl
from kesspay import Outcome, events


def read(path: Path) -> pl.DataFrame:
    """The file, every column as text: account numbers have leading zeros."""
    return pl.read_csv(path, infer_schema=False)


def pay(engine: kesspay.PayoutEngine, people: pl.DataFrame, batch: str) -> kesspay.Report:
    """Pays the frame, and prints what a person should know."""
    seen: Counter[Outcome] = Counter()
    with engine.start(people, batch=batch, name_match="strict", otp="detach") as run:
        for event in run:
            match event:
                case events.RowChanged(after=Outcome.FAILED | Outcome.HELD as outcome):
                    print(f"{event.reference}: {outcome}: {event.reason}")
                    seen[outcome] += 1
                case events.RowChanged(after=outcome):
                    seen[outcome] += 1
                case events.OtpRequired(reference=reference, expires_at=expires_at):
                    print(f"{reference}: a one-time password is wanted until {expires_at}")
                case events.Paused(reason=reason, pause=pause):
                    seconds = pause.total_seconds()
                    print(f"the gateway is busy, going on in {seconds:.0f} s: {reason}")
                case events.RunStopped(stopped=stopped):
                    print(f"stopped: {stopped.message}")
        report = run.wait()
    assert seen[Outcome.PAID] == report.status.counts[Outcome.PAID]
    return report


def by_department(report: kesspay.Report) -> pl.DataFrame:
    """What each department was paid. Columns of our own came back with the rows."""
    paid = report.to_polars().filter(pl.col("status") == "paid")
    grouped = paid.group_by("department", "currency").agg(pl.len(), pl.col("amount").sum())
    return grouped.sort("department", "currency")


def main(path: Path) -> int:
    people = read(path)
    check = kesspay.check(people)
    for problem in check.problems:
        print(f"{problem}; {problem.hint}")
    if not check.ok:
        return 3
    with kesspay.Client.from_env() as client:
        engine = kesspay.PayoutEngine("sqlite://payout.db", client)
        try:
            report = pay(engine, people, path.stem)
        except kesspay.FileRefusedError as refused:
            print(refused)
            return 3
        except kesspay.Interrupted as interrupted:
            print(interrupted)
            return 130
    print(by_department(report))
    for currency, total in report.status.totals.items():
        print(f"{total.paid} of {total.requested} {currency} paid")
    for step in report.status.next_steps():
        print(f"next: {step}")
    return 0 if report.status.is_paid else 4


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
