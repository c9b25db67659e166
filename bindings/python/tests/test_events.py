"""What happens in a run, told while it happens: complete, in order, and no more than eyes need."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import kesspay
import polars
import pytest
from kesspay import events
from payroll import POLICY, confirm, counts, each_paid_once, outcomes, row, rows

MIXED = [row(1), row(2, "0404"), row(3, "0411"), row(4, "0400"), row(5, "0504"), row(6, "0777"),
         row(7, "0202"), row(8, "0410")]


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "payout.db")


def agree(seen: Iterable[events.Event], report: kesspay.Report) -> None:
    """The events, followed from the beginning, end in the report."""
    seen = list(seen)
    first, last = seen[0], seen[-1]
    assert isinstance(first, events.Started) and isinstance(last, events.Ended)
    assert last.status.counts == report.status.counts
    stands = {person.reference: kesspay.Outcome.PENDING for person in report}
    people = {person.reference: person for person in report}
    sums: dict[kesspay.Outcome, Decimal] = dict.fromkeys(kesspay.Outcome, Decimal(0))
    for event in seen:
        if isinstance(event, events.RowChanged):
            assert stands[event.reference] == event.before, event
            stands[event.reference] = event.after
            person = people[event.reference]
            assert (event.row, event.amount, event.currency) == (
                person.row, person.amount, person.currency
            )
            assert event.before != event.after
        if isinstance(event, events.Warned | events.OtpRequired):
            assert people[event.reference].row == event.row
    for person in report:
        assert stands[person.reference] == person.outcome, person
        sums[person.outcome] += person.amount
    assert sums == report.status.totals["USD"].by_outcome


def test_events_tell_the_whole_run(kess_sandbox: kesspay.Sandbox, store: str) -> None:
    kess_sandbox.add_accounts(polars.DataFrame(MIXED))
    engine = kesspay.PayoutEngine(store, kess_sandbox.client(), policy=POLICY)
    run = engine.start(polars.DataFrame(MIXED), batch="june", name_match="strict")
    assert run.batch == "june"
    seen = list(run)
    report = run.wait()
    agree(seen, report)
    assert run.status().counts == report.status.counts and list(run) == []
    # Waiting again is harmless.
    assert run.wait().status == report.status
    (waiting,) = [event for event in seen if isinstance(event, events.OtpRequired)]
    assert waiting.url == engine.otp()[0].url and waiting.url not in repr(waiting)
    failed = {event.reference: event.reason for event in seen
              if isinstance(event, events.RowChanged) and event.after == "failed"}
    assert failed.keys() == {"P-0002", "P-0004"} and all(failed.values())
    assert outcomes(report) == {
        "P-0001": "paid", "P-0002": "failed", "P-0003": "held", "P-0004": "failed",
        "P-0005": "paid", "P-0006": "awaiting_otp", "P-0007": "paid", "P-0008": "expired",
    }
    for event in seen:
        assert event == dataclasses.replace(event)  # type: ignore[type-var]


def test_events_of_a_resume(kess_sandbox: kesspay.Sandbox, store: str) -> None:
    engine = kesspay.PayoutEngine(store, kess_sandbox.client(), policy=POLICY)
    engine.run(polars.DataFrame([row(1), row(2, "0777")]))
    confirm(engine.otp()[0].url)
    run = engine.start_resume()
    changed = [event for event in run if isinstance(event, events.RowChanged)]
    assert [(it.reference, it.after) for it in changed] == [("P-0002", "paid")]
    each_paid_once(kess_sandbox, run.wait())


def test_a_dry_run_tells_of_every_row(kess_sandbox: kesspay.Sandbox, store: str) -> None:
    engine = kesspay.PayoutEngine(store, kess_sandbox.client())
    run = engine.start(polars.DataFrame(rows(5)), dry_run=True)
    verified = [event.row for event in run if isinstance(event, events.Verified)]
    assert sorted(verified) == [1, 2, 3, 4, 5] and run.wait().status.counts["pending"] == 5


def test_events_awaited(kess_sandbox: kesspay.Sandbox, store: str) -> None:
    kess_sandbox.add_accounts(polars.DataFrame(MIXED))

    async def follow() -> tuple[list[events.Event], kesspay.Report]:
        engine = kesspay.AsyncPayoutEngine(store, kess_sandbox.async_client(), policy=POLICY)
        async with await engine.start(polars.DataFrame(MIXED), name_match="strict") as run:
            seen = [event async for event in run]
            return seen, await run.wait()

    seen, report = asyncio.run(follow())
    agree(seen, report)


def test_events_can_be_matched(kess_sandbox: kesspay.Sandbox, store: str) -> None:
    engine = kesspay.PayoutEngine(store, kess_sandbox.client(), policy=POLICY)
    paid = []
    for event in engine.start(polars.DataFrame(rows(3))):
        match event:
            case events.RowChanged(after="paid", reference=reference):
                paid.append(reference)
            case events.Wallet(currency=currency, balance=balance, needed=needed):
                assert currency == "USD" and balance is not None and balance > needed
    assert sorted(paid) == ["P-0001", "P-0002", "P-0003"]


def test_without_a_reader_the_run_goes_on(kess_sandbox: kesspay.Sandbox, store: str) -> None:
    engine = kesspay.PayoutEngine(store, kess_sandbox.client(), policy=POLICY)
    engine.start(polars.DataFrame(rows(30)), batch="june")
    last = None
    while last is None or last.state != "finished":
        last = engine.status("june")
    each_paid_once(kess_sandbox, engine.report("june"))


def test_leaving_early_stops_the_run(kess_sandbox: kesspay.Sandbox, store: str) -> None:
    kess_sandbox.add_fault("slow", millis=20)
    engine = kesspay.PayoutEngine(store, kess_sandbox.client(), policy=POLICY)
    with engine.start(polars.DataFrame(rows(60)), batch="june", concurrency=2) as run:
        for event in run:
            if isinstance(event, events.RowChanged) and event.after == "paid":
                break
    status = engine.status("june")
    assert status.interrupted and status.unsettled > 40 and status.counts["paid"] > 0
    sent = len(kess_sandbox.ledger().rows)
    assert sent < 20
    kess_sandbox.clear_faults()
    report = engine.resume()
    each_paid_once(kess_sandbox, report)


def test_an_error_inside_the_block_stops_the_run_and_goes_on_itself(
    kess_sandbox: kesspay.Sandbox, store: str
) -> None:
    kess_sandbox.add_fault("slow", millis=20)
    engine = kesspay.PayoutEngine(store, kess_sandbox.client(), policy=POLICY)
    with pytest.raises(ZeroDivisionError):
        with engine.start(polars.DataFrame(rows(60)), concurrency=2) as run:
            for _ in run:
                1 / 0
    assert engine.status().interrupted and engine.status().unsettled > 40
    kess_sandbox.clear_faults()
    each_paid_once(kess_sandbox, engine.resume())


def test_leaving_early_while_awaiting_stops_the_run(
    kess_sandbox: kesspay.Sandbox, store: str
) -> None:
    kess_sandbox.add_fault("slow", millis=20)

    async def look_at_one() -> None:
        engine = kesspay.AsyncPayoutEngine(store, kess_sandbox.async_client(), policy=POLICY)
        async with await engine.start(polars.DataFrame(rows(60)), concurrency=2) as run:
            async for event in run:
                if isinstance(event, events.RowChanged):
                    break
        status = await engine.status()
        assert status.interrupted and status.unsettled > 40
        kess_sandbox.clear_faults()
        each_paid_once(kess_sandbox, await engine.resume())

    asyncio.run(look_at_one())


def test_stop_drains_and_wait_tells_the_rest(kess_sandbox: kesspay.Sandbox, store: str) -> None:
    kess_sandbox.add_fault("slow", millis=20)
    engine = kesspay.PayoutEngine(store, kess_sandbox.client(), policy=POLICY)
    run = engine.start(polars.DataFrame(rows(60)), concurrency=2)
    seen = []
    for event in run:
        seen.append(event)
        if isinstance(event, events.RowChanged) and event.after == "paid":
            run.stop()
    report = run.wait()
    assert any(isinstance(event, events.Draining) for event in seen)
    assert report.status.interrupted and report.status.counts["in_doubt"] == 0
    assert counts(report.status).keys() == {"paid", "pending"}
    # Calls in flight ended: what was sent is paid and known to be.
    assert len(kess_sandbox.ledger().rows) == report.status.counts["paid"]


def test_one_thread_reads_while_another_waits(kess_sandbox: kesspay.Sandbox, store: str) -> None:
    engine = kesspay.PayoutEngine(store, kess_sandbox.client(), policy=POLICY)
    run = engine.start(polars.DataFrame(rows(40)))
    seen: list[events.Event] = []
    reader = threading.Thread(target=lambda: seen.extend(run))
    reader.start()
    report = run.wait()
    reader.join()
    agree(seen, report)
