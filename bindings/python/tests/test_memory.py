"""Nothing is kept that is over."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
from collections.abc import Callable
from pathlib import Path

import kesspay
import polars
import pytest
from payroll import POLICY, Far, row

STATUS = Path("/proc/self/statm")


def resident() -> int:
    return int(STATUS.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def grows_each_time(work: Callable[[], object], least: int) -> bool:
    """Whether memory grows by this much every time that the work is done. What is kept does that;
    what warms up, or lies in pieces after other tests, does it once or twice.
    """
    for _ in range(6):
        before = resident()
        work()
        gc.collect()
        if resident() - before < least:
            return False
    return True


@pytest.mark.skipif(not STATUS.exists(), reason="memory is read from /proc")
def test_ten_thousand_calls_leave_nothing_behind(kess_sandbox: kesspay.Sandbox) -> None:
    client = kess_sandbox.client()
    awaited = client.asynchronous()

    def some(calls: int) -> None:
        for _ in range(calls):
            client.verify_bank_account(bank_account_number="000123456", bic="ABAAKHPP")
            try:
                client.query_order(out_trade_no="NO")
            except kesspay.NotFoundError:
                pass

    async def some_more(calls: int) -> None:
        for _ in range(calls):
            await asyncio.gather(*(awaited.get_payment_methods() for _ in range(8)))

    def calls() -> None:
        some(4_000)
        asyncio.run(some_more(250))

    some(500)
    asyncio.run(some_more(50))
    # What 10,000 answers would be, kept in any form.
    assert not grows_each_time(calls, 4 * 1024 * 1024)
    types = [type(thing).__name__ for thing in gc.get_objects()]
    assert types.count("VerifiedAccount") + types.count("NotFoundError") < 10


@pytest.mark.skipif(not STATUS.exists(), reason="memory is read from /proc")
def test_batches_leave_nothing_behind(tmp_path: Path) -> None:
    def batch(engine: kesspay.PayoutEngine, number: int, pays: bool) -> None:
        people = [row(at, reference=f"B{number}-{at}") for at in range(1, 201)]
        run = engine.start(polars.DataFrame(people), dry_run=not pays, route="direct")
        assert sum(1 for _ in run) > 200
        report = run.wait()
        assert report.to_polars().height == len(list(report)) == 200
        assert report._repr_html_()

    # The gateway keeps what it booked, and is elsewhere.
    with Far() as far:
        client = far.client()

        numbers = itertools.count()

        def batches() -> None:
            # Every tenth moves money; the others verify, which goes the same ways in less time.
            for number in itertools.islice(numbers, 10):
                store = str(tmp_path / f"{number}.db")
                engine = kesspay.PayoutEngine(store, client, policy=POLICY)
                batch(engine, number, pays=number % 10 == 0)

        batches()
        # What 2,000 rows would be, kept in any form.
        assert not grows_each_time(batches, 2 * 1024 * 1024)
    types = [type(thing).__name__ for thing in gc.get_objects()]
    assert types.count("ReportRow") + types.count("RowChanged") + types.count("Verified") < 10
