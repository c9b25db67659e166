"""What notebooks show: right numbers, nothing personal, nothing that could run."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from made_up import NOON, Source, check, finding, row, rows, status

from kesspay.batch import BatchState, Outcome, Reason, StopCause, Stopped, Total
from kesspay.display import ROWS_SHOWN
from kesspay.html_parts import GAP, WIDTH, Bar, bar
from kesspay.reconciliation import Difference, DifferenceKind, Reconciliation
from kesspay.report import Report
from kesspay.wording import money, span

EVIL = "<script>alert('&')</script>"


class Strict(HTMLParser):
    """Reads HTML, and insists that it is closed and harmless."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.feed(html)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "iframe", "img", "link", "a", "object", "embed"), tag
        for name, value in attributes:
            assert not name.startswith("on") and name not in ("href", "src"), (name, value)
            assert "url(" not in (value or "")
        self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data
        elif "style" not in self.open:
            self.text.append(data)

    def __contains__(self, words: str) -> bool:
        return words in " ".join(self.text)


def read(shown: Any) -> Strict:
    html = shown._repr_html_()
    assert "://" not in html, "no address, of a password's page least of all"
    assert "#fff" not in re.sub(r'fill="#fff"', "", html), "no ground of its own"
    return Strict(html)


def report(counts: dict[str, int], source: Any = None, **changes: Any) -> Report:
    rows_of: Any = source or Source(list(rows(counts)))
    return Report(status(counts, **changes), rows_of)


def test_a_batch_shows_outcomes_and_sums_with_words() -> None:
    seen = read(status({"paid": 620, "failed": 3, "held": 1, "pending": 376}))
    (table,) = seen.tables
    assert table == [
        ["Outcome", "Rows", "USD"],
        ["not sent yet", "376", "3,760.00"],
        ["held for a decision", "1", "10.00"],
        ["paid", "620", "6,200.00"],
        ["failed", "3", "30.00"],
        ["all", "1,000", "10,000.00"],
    ]
    assert "engine.resume('june')" in "".join(seen.text)
    assert "1,000 rows, finished" in seen


def test_a_batch_that_is_done_says_so_in_words() -> None:
    seen = read(status({"paid": 2}))
    assert "Nothing is left to do." in seen
    assert "took 3.2 s" in seen
    empty = read(status({}, totals={}))
    assert "no rows" in empty
    assert empty.tables == [[["Outcome", "Rows"], ["all", "0"]]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dry_run": True}, "dry run"),
        ({"interrupted": True}, "Interrupted"),
        ({"state": BatchState.STOPPED}, "stopped before its rows were done"),
        (
            {"stopped": Stopped(StopCause.FUNDS, "the wallet is empty")},
            "the wallet is empty; when that",
        ),
        ({"purged_at": NOON}, "removed 2026-06-30 12:00 UTC"),
        ({"state": BatchState("resting")}, "resting"),
        ({"cancelled": "cancelled by Sophea Chan: wrong month"}, "Cancelled: nothing more"),
    ],
)
def test_what_is_special_about_a_batch_is_said(changes: dict[str, Any], words: str) -> None:
    seen = read(status({"pending": 2}, **changes))
    assert words in seen
    assert "Sophea" not in seen, "who decided has a name"


def test_a_stop_is_told_once() -> None:
    stopped = Stopped(StopCause.FUNDS, "the wallet is empty")
    assert status({"pending": 1}, stopped=stopped)._repr_html_().count("is empty") == 1
    assert "Stopped: the wallet is empty" in read(status({"failed": 1}, stopped=stopped))


def test_an_outcome_of_a_later_version_is_shown_by_its_name() -> None:
    made = status({"paid": 3})
    seen = read(replace(made, counts={**made.counts, Outcome("on_the_moon"): 2}))
    assert ["on the moon", "2", "0.00"] in seen.tables[0]


def test_whatever_comes_from_a_file_or_the_gateway_is_escaped() -> None:
    stopped = Stopped(StopCause.OUTAGE, EVIL)
    evil = Reason(EVIL, EVIL)
    totals = {EVIL: Total(Decimal(1), {Outcome.FAILED: Decimal(1), Outcome.PAID: Decimal(0)})}
    bad = row(1, Outcome.FAILED, reference=EVIL, error=evil, out_trade_no=EVIL, currency=EVIL)
    shown = report({"failed": 1}, Source([bad]), batch=EVIL, stopped=stopped, totals=totals)
    assert EVIL in "".join(read(shown).tables[1][1])
    flaw = finding(2, EVIL, EVIL, message=EVIL, hint=EVIL)
    assert EVIL in read(check(1, [flaw], [flaw], totals={EVIL: Decimal(1)})).tables[1][1]
    differs = replace(DIFFERENCE, kind=DifferenceKind(EVIL), reference=EVIL, message=EVIL)
    assert EVIL in read(reconciliation([differs], batch=EVIL)).tables[1][1]


def test_a_report_has_nothing_personal() -> None:
    secret = Reason("REFUSED", "open https://gateway.example/otp/bearer to see")
    counts = {"awaiting_otp": 1}
    shown = report(counts, Source([row(1, Outcome.AWAITING_OTP, error=secret)]))
    html = shown._repr_html_()
    for personal in ("SOK DARA", "00****456", "bearer", "gateway.example", "Sewing"):
        assert personal not in html
    assert "open [link] to see (REFUSED)" in html


def test_a_report_begins_with_the_rows_that_need_a_person() -> None:
    counts = {"paid": 990, "failed": 3, "in_doubt": 2, "held": 5}
    seen = read(report(counts))
    shown = [line[2] for line in seen.tables[1][1:]]
    assert shown[:10] == ["held for a decision"] * 5 + ["failed"] * 3 + ["in doubt"] * 2
    assert shown[10:] == ["paid"] * (ROWS_SHOWN - 10)
    assert "950 rows left out" in seen
    first = seen.tables[1][1]
    assert first == [
        "996",
        "P-996",
        "held for a decision",
        "1,234.50 USD",
        "K1-996-1",
        "1",
        "no remark",
    ]


def test_a_long_report_is_read_no_further_than_needed() -> None:
    counts = {"failed": 60, "paid": 5_000}
    source = Source(list(rows(counts)))
    assert len(read(report(counts, source)).tables[1]) == 1 + ROWS_SHOWN
    assert source.handed_out <= 100


def test_a_paid_row_with_a_warning_goes_before_one_without() -> None:
    warned = row(2, Outcome.PAID, warning=Reason("holder_name", "another holder"))
    seen = read(report({"paid": 2}, Source([row(1, Outcome.PAID), warned])))
    assert [line[0] for line in seen.tables[1][1:]] == ["2", "1"]


def test_rows_that_changed_since_the_counts_were_taken_are_shown_all_the_same() -> None:
    changed = [row(1, Outcome.PAID), row(2, Outcome.FAILED)]
    seen = read(report({"pending": 2}, Source(changed)))
    assert [line[2] for line in seen.tables[1][1:]] == ["failed", "paid"]


def test_a_report_that_cannot_be_read_still_shows_the_numbers() -> None:
    class Broken:
        def rows(self, after: int) -> Any:
            raise OSError("sensitive detail")

    seen = read(report({"paid": 1}, Broken()))
    assert "The rows cannot be shown: OSError." in seen
    assert "sensitive" not in seen


def test_a_check_shows_findings_with_the_way_out() -> None:
    problems = [finding(3, "amount", "1,234.50"), finding(4, "bank_account_number", "00****56")]
    seen = read(check(4, problems, [finding(5, None, None, row=None)]))
    sums, shown, warned = seen.tables
    assert sums == [["Rows", "", "USD"], ["valid", "2", "20.00"], ["not valid", "2", "no sum"]]
    assert shown[1][:3] == ["3", "amount", "the amount has separators (1,234.50)"]
    assert "****" not in str(shown), "a masked account is a piece of one"
    assert warned[1][1] == "the file as a whole"
    assert "skip_invalid=True" in seen


@pytest.mark.parametrize(
    ("rows", "problems", "words"),
    [
        (2, [], "It can be paid as it is."),
        (0, [], "There is nothing in it to pay."),
        (2, [finding(1, None, None, row=None)], "concerns the file as a whole"),
        (1, [finding(2, "amount", "x")], "No row of it can be paid."),
    ],
)
def test_a_check_says_what_can_be_done(rows: int, problems: list[Any], words: str) -> None:
    seen = read(check(rows, problems, []))
    assert words in seen
    assert "There are no warnings." in seen


def test_many_findings_are_cut_and_counted() -> None:
    problems = [finding(line, "amount", "x") for line in range(2, 102)]
    seen = read(check(200, problems, []))
    assert len(seen.tables[1]) == 1 + ROWS_SHOWN
    assert "50 problems more." in seen


DIFFERENCE = Difference(
    kind=DifferenceKind.OUTCOME,
    row=7,
    reference="P-7",
    outcome=Outcome.FAILED,
    amount=Decimal("10"),
    currency="USD",
    out_trade_no="K1-7-1",
    gateway_status="SUCCESS",
    gateway_amount=Decimal("10"),
    gateway_currency="USD",
    message="the gateway shows it as paid",
)


def reconciliation(differences: list[Difference], **changes: Any) -> Reconciliation:
    made = Reconciliation("june", 1_000, 998, 998, differences, None)
    return replace(made, **changes)


def test_a_comparison_shows_both_sides() -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        (
            "row",
            "reference",
            "outcome",
            "amount",
            "currency",
            "out_trade_no",
            "gateway_status",
            "gateway_amount",
            "gateway_currency",
        )
    )
    listed = replace(DIFFERENCE, kind=DifferenceKind.UNKNOWN_ORDER, **nothing)
    seen = read(reconciliation([DIFFERENCE, listed]))
    assert seen.tables[0] == [["Rows", ""], ["agree", "999"], ["differ", "1"]]
    assert seen.tables[1][1] == [
        "7",
        "P-7",
        "stands otherwise at the gateway",
        "failed, 10.00 USD",
        "SUCCESS, 10.00 USD",
        "K1-7-1",
        "the gateway shows it as paid",
    ]
    assert seen.tables[1][2][:6] == [
        "no row",
        "not known",
        "not known in the store",
        "nothing",
        "nothing",
        "the list as a whole",
    ]
    assert "1,000 rows, 2 differences" in seen


def test_a_comparison_that_was_cut_off_does_not_claim_agreement() -> None:
    seen = read(reconciliation([], stopped=Stopped(StopCause.OUTAGE, "the gateway is away")))
    assert seen.tables[0][1] == ["no difference found so far", "1,000"]
    assert "not complete: the gateway is away" in seen
    assert "no difference" in read(reconciliation([]))


@pytest.mark.parametrize(
    "counts", [[1], [1, 1], [999_999, 1], [1, 1_000_000, 1, 0, 7], [1] * 11, [10**30, 1]]
)
def test_the_pieces_of_a_bar_fill_it_and_none_is_lost(counts: list[int]) -> None:
    drawn = bar([Bar("paid", "x", count) for count in counts], "Rows")
    pieces = [
        (int(start), int(width))
        for start, width in re.findall(r'<rect x="(\d+)" y="0" width="(\d+)"', drawn)
    ]
    assert len(pieces) == sum(1 for count in counts if count)
    end = -GAP
    for start, width in pieces:
        assert start == end + GAP
        assert width > 0
        end = start + width
    assert end == WIDTH


def test_a_bar_of_nothing_is_nothing() -> None:
    assert bar([Bar("paid", "paid", 0)], "Rows") == ""


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("0", "USD", "0.00"),
        ("6200", "USD", "6,200.00"),
        ("1234567.5", "USD", "1,234,567.50"),
        ("10.005", "USD", "10.005"),
        ("1E+3", "USD", "1,000.00"),
        ("4100000.00", "KHR", "4,100,000"),
        ("40000.5", "KHR", "40,000.5"),
        ("-1000", "USD", "-1,000.00"),
        (
            "12345678901234567890123456789012345.67",
            "USD",
            "12,345,678,901,234,567,890,123,456,789,012,345.67",
        ),
        ("10.50", "EUR", "10.50"),
        ("NaN", "USD", "NaN"),
    ],
)
def test_amounts_are_exact(amount: str, currency: str, text: str) -> None:
    assert money(Decimal(amount), currency) == text


def test_spans() -> None:
    cases = {0: "0.0 s", 9.99: "9.9 s", 59: "59 s", 61: "1 min 01 s", 7_260: "2 h 01 min"}
    for seconds, text in cases.items():
        assert span(timedelta(seconds=seconds)) == text
