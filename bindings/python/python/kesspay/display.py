"""How a batch, a check, a report and a comparison show themselves in a notebook.

Each is a small table below a bar of what became of the rows, as HTML that asks nothing of the
network, runs no script and takes its colours from the notebook, so that it can be read in a light
and in a dark one.

A notebook is saved, sent around and put under version control with everything that it shows. So no
account number, no name of a person, and no link of a one-time password is in what is made here,
and everything that is comes through :mod:`html`. No colour carries a meaning alone: each stands
beside its word.
"""

from __future__ import annotations

import heapq
import re
from datetime import timezone
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING

from kesspay.html_parts import Bar, Cell, bar, number, page, swatch, table
from kesspay.wording import counted, money, outcome_words, span, without_links

if TYPE_CHECKING:
    from datetime import datetime

    from kesspay.batch import Reason, Status
    from kesspay.check import Check, Finding
    from kesspay.reconciliation import Difference, Reconciliation
    from kesspay.report import Report, ReportRow

__all__ = ["check_html", "reconciliation_html", "report_html", "status_html"]

ROWS_SHOWN = 50
"""The most rows, findings or differences of one table."""

_NEEDS_A_PERSON = (
    "held",
    "failed",
    "in_doubt",
    "awaiting_otp",
    "reversed",
    "expired",
    "cancelled",
    "invalid",
    "processing",
    "pending",
    "paid",
)
"""Outcomes in the order in which somebody wants to look at rows."""

_NOT_PERSONAL = frozenset({"amount", "currency", "bic"})
"""Columns whose refused values are shown; the message says enough about the others."""

_STATES = {
    "loading": "rows are being written",
    "ready": "not started",
    "running": "running, or its runner died",
    "stopped": "stopped before its rows were done",
    "finished": "finished",
    "moved": "moved to another store",
}

_DIFFERENCES = {
    "outcome": "stands otherwise at the gateway",
    "amount": "amount or currency differ",
    "missing": "not known at the gateway",
    "unlisted": "not in the gateway's list",
    "unknown_order": "not known in the store",
    "earlier_attempt": "an earlier attempt counts",
    "unanswered": "no usable answer",
}


def status_html(status: Status) -> str:
    """A batch in numbers: outcomes, sums by currency, and what to do next."""
    return page(_status(status))


def report_html(report: Report) -> str:
    """A batch in numbers, and its rows: those that need a person first, and not all of many."""
    status = report.status
    parts = _status(status)
    try:
        rows = _foremost(report, status)
    except Exception as error:  # A report that cannot be read still shows what is known of it.
        parts.append(_line(f"The rows cannot be shown: {type(error).__name__}."))
        return page(parts)
    left_out = status.rows - len(rows)
    if left_out > 0:
        parts.append(
            _line(
                f"{counted(len(rows), 'row')} of {status.rows:,}, those that need a person first. "
                f"{counted(left_out, 'row')} left out: report.to_pandas(), report.to_polars() and "
                "report.save(...) have all of them."
            )
        )
    if rows:
        parts.append(table(_ROW_HEADINGS, map(_row, rows)))
    return page(parts)


def check_html(check: Check) -> str:
    """What a file was found to be: valid and invalid rows, sums, and every finding's way out."""
    invalid = max(0, check.rows - check.valid)
    parts = [
        _title("Check", f"{counted(check.rows, 'row')}"),
        bar(
            [Bar("paid", "valid", check.valid), Bar("failed", "not valid", invalid)],
            "Rows by validity",
        ),
    ]
    heading = [Cell("Rows"), number(""), *map(number, check.totals)]
    sums = [number(money(total, currency)) for currency, total in check.totals.items()]
    nothing = [number("no sum")] * len(check.totals)
    rows = [[swatch("paid", "valid"), number(f"{check.valid:,}"), *sums]]
    if invalid:
        rows.append([swatch("failed", "not valid"), number(f"{invalid:,}"), *nothing])
    parts.append(table(heading, rows))
    if not check.totals:
        parts.append(_line("No row is valid, so there is no sum."))
    parts.append(_line(_after_check(check)))
    for what, findings in (("problem", check.problems), ("warning", check.warnings)):
        parts += _findings(what, findings)
    return page(parts)


def reconciliation_html(reconciliation: Reconciliation) -> str:
    """What the store and the gateway's ledger disagree on, row by row."""
    differences = reconciliation.differences
    differing = len({it.row for it in differences if it.row is not None})
    agreeing = max(0, reconciliation.rows - differing)
    agree_words = "agree" if reconciliation.stopped is None else "no difference found so far"
    parts = [
        _title(f"Ledgers of {reconciliation.batch}", _verdict(reconciliation)),
        bar(
            [Bar("paid", agree_words, agreeing), Bar("held", "differ", differing)],
            "Rows by agreement of the ledgers",
        ),
        table(
            [Cell("Rows"), number("")],
            [
                [swatch("paid", agree_words), number(f"{agreeing:,}")],
                [swatch("held", "differ"), number(f"{differing:,}")],
            ],
        ),
        _line(
            f"The gateway was asked about {counted(reconciliation.asked, 'order')} and lists "
            f"{counted(reconciliation.listed, 'order')} of this batch. Nothing was changed."
        ),
    ]
    if reconciliation.stopped is not None:
        parts.append(_line(f"The comparison is not complete: {reconciliation.stopped.message}"))
    if differences:
        shown = differences[:ROWS_SHOWN]
        parts.append(table(_DIFFERENCE_HEADINGS, map(_difference, shown)))
        parts += _left_out(len(differences) - len(shown), "difference")
    return page(parts)


def _status(status: Status) -> list[str]:
    """The parts of a batch in numbers."""
    found = [(outcome, count) for outcome, count in status.counts.items() if count]
    kind = ", dry run: accounts are verified and nothing moves" if status.dry_run else ""
    state = _STATES.get(str(status.state), str(status.state))
    parts = [
        _title(status.batch, f"{counted(status.rows, 'row')}, {state}{kind}"),
        bar([Bar(str(it), outcome_words(it), count) for it, count in found], "Rows by outcome"),
    ]
    heading = [Cell("Outcome"), number("Rows"), *map(number, status.totals)]
    rows = [
        [
            swatch(str(outcome), outcome_words(outcome)),
            number(f"{count:,}"),
            *(
                number(money(total.by_outcome.get(outcome, Decimal(0)), currency))
                for currency, total in status.totals.items()
            ),
        ]
        for outcome, count in found
    ]
    requested = (number(money(it.requested, name)) for name, it in status.totals.items())
    rows.append([Cell("all"), number(f"{status.rows:,}"), *requested])
    parts.append(table(heading, rows, sums=True))
    steps = status.next_steps()
    parts += map(_line, _remarks(status, " ".join(steps)))
    if steps:
        parts.append("<ul>" + "".join(f"<li>{_calls(step)}</li>" for step in steps) + "</ul>")
    else:
        parts.append(_line("Nothing is left to do."))
    return parts


def _remarks(status: Status, steps: str) -> list[str]:
    """What a person should know of a batch beside its numbers and what the steps say already."""
    remarks = [f"Created {_at(status.created_at)}; runs took {span(status.elapsed)}."]
    if status.purged_at is not None:
        remarks.append(
            f"Personal data was removed {_at(status.purged_at)}; nobody of it can be paid since."
        )
    if status.cancelled is not None:
        # Whoever cancelled has a name, which has no place in a notebook.
        remarks.append("Cancelled: nothing more of it is sent. status.cancelled says why.")
    elif status.stopped is not None and status.stopped.message not in steps:
        remarks.append(f"Stopped: {status.stopped.message}")
    elif status.interrupted:
        remarks.append("Interrupted: what was sent is in the store.")
    return remarks


def _foremost(report: Report, status: Status) -> list[ReportRow]:
    """The rows that somebody wants to see first.

    Rows come in the order of the file. The counts tell how many of each outcome will be shown, so
    that a report of a million rows is read only as far as it has to be.
    """
    awaited: dict[str, int] = {}
    room = ROWS_SHOWN
    for outcome, count in sorted(status.counts.items(), key=lambda it: _urgency(str(it[0]))):
        awaited[str(outcome)] = min(count, room)
        room -= awaited[str(outcome)]
    seen: list[ReportRow] = []
    missing = sum(awaited.values())
    for row in report if missing else ():
        seen.append(row)
        if len(seen) > 20 * ROWS_SHOWN:
            seen = heapq.nsmallest(ROWS_SHOWN, seen, key=_place)
        if awaited.get(str(row.outcome), 0) > 0:
            awaited[str(row.outcome)] -= 1
            missing -= 1
            if missing == 0:
                break
    return heapq.nsmallest(ROWS_SHOWN, seen, key=_place)


def _place(row: ReportRow) -> tuple[int, bool, int]:
    return (_urgency(str(row.outcome)), row.warning is None, row.row)


def _urgency(outcome: str) -> int:
    # What is not known yet comes after what waits for a person, and before what goes well.
    known = _NEEDS_A_PERSON
    return known.index(outcome) if outcome in known else known.index("processing")


_ROW_HEADINGS = [
    number("Row"),
    Cell("Reference"),
    Cell("Outcome"),
    number("Amount"),
    Cell("Order"),
    number("Attempts"),
    Cell("Remark"),
]


def _row(row: ReportRow) -> list[Cell]:
    reason = row.error if row.error is not None else row.warning
    return [
        number(f"{row.row:,}"),
        Cell(row.reference),
        swatch(str(row.outcome), outcome_words(row.outcome)),
        number(f"{money(row.amount, row.currency)} {row.currency}"),
        Cell("none yet") if row.out_trade_no is None else Cell(row.out_trade_no, "mono"),
        number(f"{row.attempts:,}"),
        Cell(_remark(reason)),
    ]


def _remark(reason: Reason | None) -> str:
    return "no remark" if reason is None else without_links(str(reason))


def _after_check(check: Check) -> str:
    """What can be done with a file that was found to be like this."""
    if check.ok:
        return "It can be paid as it is." if check.valid else "There is nothing in it to pay."
    if any(problem.row is None for problem in check.problems):
        return "Nothing of it can be paid: a problem concerns the file as a whole."
    if not check.valid:
        return "No row of it can be paid."
    return "Correct the problems, or leave those rows out with skip_invalid=True."


def _findings(what: str, findings: list[Finding]) -> list[str]:
    if not findings:
        return [_line(f"There are no {what}s.")]
    shown = findings[:ROWS_SHOWN]
    heading = [number("Line"), Cell("Column"), Cell(what.capitalize()), Cell("What to do")]
    parts = [_line(f"{counted(len(findings), what)}:"), table(heading, map(_finding, shown))]
    return parts + _left_out(len(findings) - len(shown), what)


def _finding(finding: Finding) -> list[Cell]:
    value = ""
    if finding.value is not None and finding.column in _NOT_PERSONAL:
        value = f" ({finding.value})"
    return [
        number(f"{finding.line:,}"),
        Cell("the file as a whole" if finding.column is None else finding.column),
        Cell(without_links(finding.message) + value),
        Cell(without_links(finding.hint)),
    ]


_DIFFERENCE_HEADINGS = [
    Cell("Row"),
    Cell("Reference"),
    Cell("Difference"),
    Cell("In the store"),
    Cell("At the gateway"),
    Cell("Order"),
    Cell("Remark"),
]


def _difference(it: Difference) -> list[Cell]:
    here = [] if it.outcome is None else [outcome_words(it.outcome)]
    there = [] if it.gateway_status is None else [it.gateway_status]
    here += _amount(it.amount, it.currency)
    there += _amount(it.gateway_amount, it.gateway_currency)
    return [
        Cell("no row" if it.row is None else f"{it.row:,}"),
        Cell("not known" if it.reference is None else it.reference),
        Cell(_DIFFERENCES.get(str(it.kind), str(it.kind))),
        Cell(", ".join(here) or "nothing"),
        Cell(", ".join(there) or "nothing"),
        Cell("the list as a whole") if it.out_trade_no is None else Cell(it.out_trade_no, "mono"),
        Cell(without_links(it.message)),
    ]


def _amount(amount: Decimal | None, currency: str | None) -> list[str]:
    if amount is None:
        return []
    return [money(amount, currency or "") + (f" {currency}" if currency else "")]


def _verdict(reconciliation: Reconciliation) -> str:
    if reconciliation.agrees:
        return f"{counted(reconciliation.rows, 'row')}, no difference"
    return f"{counted(reconciliation.rows, 'row')}, {counted(len(reconciliation), 'difference')}"


def _left_out(count: int, what: str) -> list[str]:
    return [_line(f"{counted(count, what)} more.")] if count > 0 else []


def _title(name: str, what: str) -> str:
    return f"<p><b>{escape(name)}</b>: {escape(what)}</p>"


def _line(text: str) -> str:
    return f"<p>{escape(without_links(text))}</p>"


def _calls(step: str) -> str:
    """A sentence with the calls in it set as code."""
    return _CALL.sub(r"<code>\g<0></code>", escape(without_links(step)))


_CALL = re.compile(r"\bengine\.\w+\([^()]*\)")


def _at(time: datetime) -> str:
    return time.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
