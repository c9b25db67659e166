"""The Python side of the comparison, one measurement a process, as `kess-bench` is the Rust side:

    measure.py calls OPERATION COUNT STYLE      STYLE: sync, async, or async-64 (64 in flight)
    measure.py batch FILE STORE SOURCE WATCHED  SOURCE: csv, pandas or pyarrow
                                                WATCHED: quiet, bar or events

The gateway is the one in the environment. Prints what was done and how long it took, as JSON. What
is timed is what a caller waits for; imports, reading a frame from the disk and the first calls of a
client are not.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import kesspay

ARGUMENTS: dict[str, dict[str, str]] = {
    "verify_bank_account": {"bank_account_number": "000123456", "bic": "ABAAKHPP"},
    "query_order": {"out_trade_no": "PAY-2022-07-0001"},
}
IN_FLIGHT = 64

Took = dict[str, int]


class Watch:
    """A stopwatch of two clocks: the one on the wall, and the one that runs while all threads of
    this process work. `kess_benches::watch` is the same."""

    def __init__(self) -> None:
        self.worked = time.process_time_ns()
        self.started = time.perf_counter_ns()

    def read(self) -> Took:
        return {
            "nanoseconds": time.perf_counter_ns() - self.started,
            "processor_nanoseconds": time.process_time_ns() - self.worked,
        }


def calls_sync(operation: str, count: int) -> Took:
    with kesspay.Client.from_env() as client:
        call, arguments = getattr(client, operation), ARGUMENTS[operation]
        for _ in range(2):
            call(**arguments)
        watch = Watch()
        for _ in range(count):
            call(**arguments)
        return watch.read()


async def calls_async(operation: str, count: int, at_once: int) -> Took:
    async def some(call: Callable[..., Awaitable[Any]], count: int) -> None:
        for _ in range(count):
            await call(**ARGUMENTS[operation])

    async with kesspay.AsyncClient.from_env() as client:
        call = getattr(client, operation)
        await asyncio.gather(*(some(call, 2) for _ in range(at_once)))
        watch = Watch()
        await asyncio.gather(*(some(call, count // at_once) for _ in range(at_once)))
        return watch.read()


def calls(operation: str, count: int, style: str) -> tuple[int, Took]:
    if style == "sync":
        return count, calls_sync(operation, count)
    at_once = IN_FLIGHT if style == "async-64" else 1
    return count, asyncio.run(calls_async(operation, count, at_once))


def source(file: str, kind: str) -> Any:
    if kind == "pandas":
        import pandas

        return pandas.read_csv(file, dtype=str)
    if kind == "pyarrow":
        import pyarrow
        import pyarrow.csv

        with open(file, encoding="utf-8") as heading:
            columns = heading.readline().strip().split(",")
        types = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(columns, pyarrow.string()))
        return pyarrow.csv.read_csv(file, convert_options=types)
    return file


def batch(file: str, store: str, kind: str, watched: str) -> tuple[int, Took]:
    rows = source(file, kind)
    engine = kesspay.PayoutEngine(store, kesspay.Client.from_env())
    watch = Watch()
    if watched == "events":
        with engine.start(rows) as run:
            seen = sum(isinstance(event, kesspay.events.RowChanged) for event in run)
            report = run.wait(progress=False)
        assert seen >= report.status.rows, "events were lost"
    else:
        report = engine.run(rows, progress=watched == "bar")
    took = watch.read()
    return report.status.counts[kesspay.Outcome.PAID], took


def main() -> None:
    what, *arguments = sys.argv[1:]
    if what == "calls":
        operation, count, style = arguments
        done, took = calls(operation, int(count), style)
    else:
        file, store, kind, watched = arguments
        done, took = batch(file, store, kind, watched)
    print(json.dumps({"done": done, **took}))


if __name__ == "__main__":
    main()
