"""The payout engine with `await`: the same answers, and a loop that goes on meanwhile."""

from __future__ import annotations

import asyncio
import inspect
import sys
import time
from contextlib import suppress
from pathlib import Path

import kesspay
import pandas
import polars
import pytest
from payroll import POLICY, confirm, counts, each_paid_once, outcomes, row, rows, until


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "payout.db")


def test_both_engines_have_the_same_methods() -> None:
    waited, awaited = kesspay.PayoutEngine, kesspay.AsyncPayoutEngine
    public = {name for name in vars(waited) if not name.startswith("_")}
    assert public == {name for name in vars(awaited) if not name.startswith("_")}
    for name in public:
        ours, theirs = getattr(waited, name), getattr(awaited, name)
        assert inspect.signature(ours).parameters == inspect.signature(theirs).parameters, name
        assert inspect.iscoroutinefunction(theirs) == (name != "from_env"), name
        assert inspect.getdoc(ours) and inspect.getdoc(theirs), name
    public = {name for name in vars(kesspay.Run) if not name.startswith("_")}
    assert public == {name for name in vars(kesspay.AsyncRun) if not name.startswith("_")}


def test_everything_that_can_be_asked(kess_sandbox: kesspay.Sandbox, store: str) -> None:
    async def month() -> None:
        engine = kesspay.AsyncPayoutEngine(store, kess_sandbox.async_client(), policy=POLICY)
        assert repr(engine) == f"<kesspay.AsyncPayoutEngine on {store}>"
        assert await engine.batches() == []
        with pytest.raises(kesspay.NoSuchBatchError):
            await engine.status()
        people = [row(1), row(2, "0777"), row(3, "0411"), row(4, "0400"), row(5, "0411")]
        kess_sandbox.add_accounts(polars.DataFrame(people))
        report = await engine.run(pandas.DataFrame(people), batch="june", name_match="strict")
        assert counts(report.status) == {"paid": 1, "awaiting_otp": 1, "held": 2, "failed": 1}
        assert (await engine.status("june")) == report.status
        (waiting,) = await engine.otp("june")
        confirm(waiting.url)
        await engine.release("P-0003", reason="known to us", batch="june")
        await engine.reject("P-0005", reason="unknown", by="office")
        report = await engine.resume("june")
        assert outcomes(report) == {
            "P-0001": "paid", "P-0002": "paid", "P-0003": "paid", "P-0004": "failed",
            "P-0005": "cancelled",
        }
        report = await engine.retry("june")
        assert [person.attempts for person in report if person.outcome == "failed"] == [2]
        assert (await engine.reconcile("june")).agrees
        assert len(await engine.report()) == 5
        assert (await engine.report()).to_polars().height == 5
        await engine.run(polars.DataFrame([row(9, "0777")]), batch="july")
        cancelled = await engine.cancel("july", reason="no")
        assert counts(cancelled.status) == {"cancelled": 1}
        purged = await engine.purge("july")
        assert purged.purged_at is not None
        assert [it.batch for it in await engine.batches()] == ["july", "june"]
        with pytest.raises(kesspay.FileRefusedError) as raised:
            await engine.run(polars.DataFrame([row(1)]))
        assert raised.value.check.rows == 1
        with pytest.raises(TypeError, match="no such option"):
            await engine.run(polars.DataFrame([row(8)]), fast=True)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="leading zeros"):
            await engine.run(polars.DataFrame([row(8, phone_number=12)]))

    asyncio.run(month())


def test_the_loop_goes_on_while_batches_run(kess_sandbox: kesspay.Sandbox, tmp_path: Path) -> None:
    kess_sandbox.add_fault("slow", millis=30)

    async def two() -> int:
        client = kess_sandbox.async_client()
        engines = [kesspay.AsyncPayoutEngine(str(tmp_path / f"{n}.db"), client) for n in range(2)]
        frames = [polars.DataFrame([row(n * 100 + i) for i in range(1, 11)]) for n in range(2)]
        runs = zip(engines, frames, strict=True)
        work = asyncio.gather(*(engine.run(frame, concurrency=2) for engine, frame in runs))
        turns = 0
        while not work.done():
            await asyncio.sleep(0.005)
            turns += 1
        assert all(report.status.is_paid for report in await work)
        return turns

    # Ten rows by threes of calls of 30 ms, two at a time, take almost half a second.
    assert asyncio.run(two()) > 30
    assert len(kess_sandbox.ledger().rows) == 20


def test_a_cancelled_task_stops_the_run_at_a_safe_point(
    kess_sandbox: kesspay.Sandbox, store: str
) -> None:
    kess_sandbox.add_fault("slow", millis=30)

    async def cancel() -> list[str]:
        engine = kesspay.AsyncPayoutEngine(store, kess_sandbox.async_client(), policy=POLICY)
        work = engine.run(polars.DataFrame(rows(60)), batch="june", concurrency=3)
        task = asyncio.create_task(work)
        while len(kess_sandbox.ledger().rows) < 5:
            assert not task.done()
            await asyncio.sleep(0.005)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        assert time.monotonic() - began < 1.2 and task.cancelled()
        # Nobody works on the store any more.
        status = await engine.status("june")
        assert status.interrupted and status.unsettled > 30
        kess_sandbox.clear_faults()
        report = await engine.resume("june")
        each_paid_once(kess_sandbox, report)
        return getattr(raised.value, "__notes__", [])

    notes = asyncio.run(cancel())
    if sys.version_info >= (3, 11):
        assert len(notes) == 1 and "engine.resume('june')" in notes[0]


def test_a_task_that_hangs_is_given_up_and_nobody_is_paid_twice(
    kess_sandbox: kesspay.Sandbox, store: str
) -> None:
    kess_sandbox.add_fault("slow", millis=60_000, service="withdraw", after=5)

    async def cancel() -> None:
        engine = kesspay.AsyncPayoutEngine(store, kess_sandbox.async_client(), policy=POLICY)
        run = engine.run(polars.DataFrame(rows(20)), batch="june", concurrency=3)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(run, 1)
        kess_sandbox.clear_faults()
        report = await engine.resume("june")
        each_paid_once(kess_sandbox, report)

    asyncio.run(cancel())


def test_a_loop_that_ends_leaves_a_store_that_can_be_resumed(
    kess_sandbox: kesspay.Sandbox, store: str
) -> None:
    kess_sandbox.add_fault("slow", millis=20)

    async def leave() -> None:
        engine = kesspay.AsyncPayoutEngine(store, kess_sandbox.async_client(), policy=POLICY)
        run = await engine.start(polars.DataFrame(rows(30)), batch="june", concurrency=2)
        async for event in run:
            if isinstance(event, kesspay.events.RowChanged):
                run.stop()
                return

    asyncio.run(leave())
    engine = kesspay.PayoutEngine(store, kess_sandbox.client(), policy=POLICY)
    kess_sandbox.clear_faults()
    reports: list[kesspay.Report] = []

    def resumed() -> bool:
        # Until it has drained, the run that was left has the batch in hand.
        with suppress(kesspay.LockedError):
            reports.append(engine.resume("june"))
        return bool(reports)

    until(resumed)
    each_paid_once(kess_sandbox, reports[0])


def test_the_engine_that_waits_works_inside_a_running_loop(
    kess_sandbox: kesspay.Sandbox, store: str
) -> None:
    async def cell() -> None:
        engine = kesspay.PayoutEngine(store, kess_sandbox.client(), policy=POLICY)
        report = engine.run(polars.DataFrame(rows(3)))
        each_paid_once(kess_sandbox, report)
        assert [event for event in engine.start(polars.DataFrame([row(9)]))]
        # One client does for both styles.
        awaited = kesspay.AsyncPayoutEngine(store, kess_sandbox.client(), policy=POLICY)
        assert (await awaited.run(polars.DataFrame([row(10)]))).status.is_paid

    asyncio.run(cell())


def test_what_is_not_awaited_does_nothing(kess_sandbox: kesspay.Sandbox, store: str) -> None:
    engine = kesspay.AsyncPayoutEngine(store, kess_sandbox.async_client())
    engine.run(polars.DataFrame(rows(1))).close()
    assert not Path(store).exists() and kess_sandbox.ledger().rows == []


def test_awaiting_without_a_loop_is_said(kess_sandbox: kesspay.Sandbox, store: str) -> None:
    engine = kesspay.AsyncPayoutEngine(store, kess_sandbox.async_client())
    with pytest.raises(RuntimeError, match="event loop"):
        engine.batches().send(None)
