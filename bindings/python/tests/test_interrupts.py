"""Interrupted, killed, forked, run side by side: nobody is paid twice, nobody is forgotten.

The gateway is in a process of its own, and its ledger says when to strike.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import kesspay
import polars
import pytest
from conftest import path_of_tests
from payroll import POLICY, Far, each_paid_once, row, rows, until, write

Python = Callable[..., "subprocess.CompletedProcess[str]"]

ROWS = 40


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Far]:
    with Far() as far:
        yield far


@pytest.fixture
def far(elsewhere: Far) -> Far:
    elsewhere.anew()
    return elsewhere


@pytest.fixture
def gateway(far: Far, tmp_path: Path) -> Far:
    """The gateway, and a batch file beside the store."""
    write(tmp_path / "june.csv", rows(ROWS))
    return far


def begin(script: str, far: Far, tmp_path: Path, *args: str) -> subprocess.Popen[str]:
    """A process that works on `june.csv` and the store beside it."""
    start = """
        import sys, time, kesspay
        from payroll import POLICY
        def engine():
            return kesspay.PayoutEngine("payout.db", kesspay.Client.from_env(), policy=POLICY)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(start) + textwrap.dedent(script), *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **far.environment, "PYTHONPATH": path_of_tests()},
    )


def strike(process: subprocess.Popen[str], far: Far, booked: int, how: signal.Signals) -> None:
    """Sends a signal once so many withdrawals are booked."""
    until(lambda: len(far.booked()) >= booked or process.poll() is not None)
    assert process.poll() is None, "it ended too early"
    process.send_signal(how)


def resumed(far: Far, tmp_path: Path) -> kesspay.Report:
    """The report of a batch that is gone on with, on a good day."""
    far.faults(clear=True)
    engine = kesspay.PayoutEngine(str(tmp_path / "payout.db"), far.client(), policy=POLICY)
    report = engine.resume("june")
    assert len(report) == ROWS
    return report


WAITING = """
    try:
        engine().run("june.csv", batch="june", concurrency=3)
    except kesspay.Interrupted as interrupt:
        print(interrupt, "|", interrupt.status.interrupted, interrupt.status.batch)
        print(repr(interrupt.__context__), isinstance(interrupt, KeyboardInterrupt))
"""

READING = """
    try:
        with engine().start("june.csv", batch="june", concurrency=3) as run:
            for event in run:
                pass
    except kesspay.Interrupted as interrupt:
        print(interrupt, "|", interrupt.status.interrupted, interrupt.status.batch)
        print(None, isinstance(interrupt, KeyboardInterrupt))
"""


@pytest.mark.parametrize("script", [WAITING, READING], ids=["run", "events"])
def test_an_interrupt_stops_within_a_second_and_says_how_to_go_on(
    script: str, gateway: Far, tmp_path: Path
) -> None:
    gateway.faults({"fault": "slow", "millis": 50})
    process = begin(script, gateway, tmp_path)
    strike(process, gateway, 5, signal.SIGINT)
    began = time.monotonic()
    assert process.stdout is not None
    told = process.stdout.readline()
    assert time.monotonic() - began < 1.2
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == 0, stderr
    assert "batch june was stopped with " in told and f" of {ROWS} rows settled" in told
    assert "engine.resume('june') goes on, and pays nobody twice" in told
    assert told.endswith("| True june\n"), told
    assert len(gateway.booked()) < ROWS / 2
    each_paid_once(gateway, resumed(gateway, tmp_path))


def test_an_interrupt_does_not_wait_for_a_gateway_that_hangs(gateway: Far, tmp_path: Path) -> None:
    gateway.faults({"fault": "slow", "millis": 60_000, "service": "withdraw", "after": 10})
    process = begin(WAITING, gateway, tmp_path)
    strike(process, gateway, 12, signal.SIGINT)
    began = time.monotonic()
    out, stderr = process.communicate(timeout=20)
    assert time.monotonic() - began < 2.5, "with the end of the process"
    assert process.returncode == 0 and "engine.resume('june')" in out, stderr
    each_paid_once(gateway, resumed(gateway, tmp_path))


def test_a_second_interrupt_leaves_at_once_and_says_the_same(
    gateway: Far, tmp_path: Path
) -> None:
    gateway.faults({"fault": "slow", "millis": 60_000, "service": "withdraw", "after": 10})
    process = begin(WAITING, gateway, tmp_path)
    strike(process, gateway, 12, signal.SIGINT)
    # Within the time that calls in flight are given. If it comes too late it is the first all over.
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, stderr = process.communicate(timeout=20)
    assert process.returncode in (0, -signal.SIGINT), stderr
    assert "engine.resume('june')" in out or "Interrupted: batch june" in stderr, (out, stderr)
    each_paid_once(gateway, resumed(gateway, tmp_path))


def test_an_interrupt_that_nobody_catches_ends_the_process(gateway: Far, tmp_path: Path) -> None:
    gateway.faults({"fault": "slow", "millis": 30})
    process = begin("engine().run('june.csv', batch='june', concurrency=3)", gateway, tmp_path)
    strike(process, gateway, 5, signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert "kesspay.errors.Interrupted: batch june was stopped" in stderr
    assert process.returncode != 0
    each_paid_once(gateway, resumed(gateway, tmp_path))


def test_killed_again_and_again_it_pays_everybody_once(gateway: Far, tmp_path: Path) -> None:
    gateway.faults(
        {"fault": "cut_after_booking", "service": "withdraw", "per_mille": 60},
        {"fault": "cut_before_booking", "service": "withdraw", "per_mille": 60},
        {"fault": "slow", "millis": 10, "service": "withdraw"},
    )
    process = begin("engine().run('june.csv', batch='june', concurrency=4)", gateway, tmp_path)
    kills = 0
    for booked in range(6, ROWS, 7):
        strike(process, gateway, booked, signal.SIGKILL)
        process.communicate()
        kills += 1
        process = begin("engine().resume('june')", gateway, tmp_path)
    process.communicate(timeout=30)
    assert kills >= 5
    each_paid_once(gateway, resumed(gateway, tmp_path))


def test_a_program_that_ends_while_a_run_is_on_loses_nothing(gateway: Far, tmp_path: Path) -> None:
    gateway.faults({"fault": "slow", "millis": 30})
    script = """
        run = engine().start("june.csv", batch="june", concurrency=3)
        for event in run:
            if isinstance(event, kesspay.events.RowChanged) and event.after == "paid":
                break
    """
    process = begin(script, gateway, tmp_path)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 0 and "panicked" not in stderr, stderr
    assert 0 < len(gateway.booked()) < ROWS
    each_paid_once(gateway, resumed(gateway, tmp_path))


def test_an_interrupt_of_a_program_that_awaits(gateway: Far, tmp_path: Path) -> None:
    gateway.faults({"fault": "slow", "millis": 30})
    script = """
        import asyncio
        async def main():
            client = kesspay.AsyncClient.from_env()
            engine = kesspay.AsyncPayoutEngine("payout.db", client, policy=POLICY)
            try:
                await engine.run("june.csv", batch="june", concurrency=3)
            except asyncio.CancelledError as cancelled:
                print(getattr(cancelled, "__notes__", ["engine.resume('june')"]), flush=True)
                raise
        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted")
    """
    process = begin(script, gateway, tmp_path)
    strike(process, gateway, 5, signal.SIGINT)
    out, stderr = process.communicate(timeout=20)
    assert process.returncode == 0, stderr
    if sys.version_info >= (3, 11):
        assert "engine.resume('june')" in out and out.endswith("interrupted\n")
    each_paid_once(gateway, resumed(gateway, tmp_path))


def test_other_threads_go_on_while_a_run_works(far: Far, tmp_path: Path) -> None:
    far.faults({"fault": "slow", "millis": 20})
    engine = kesspay.PayoutEngine(str(tmp_path / "payout.db"), far.client(), policy=POLICY)
    counted = 0
    done = threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.is_set():
            counted += 1
            time.sleep(0.002)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        people = [row(number, reference=f"T-{number}") for number in range(1, 16)]
        assert engine.run(polars.DataFrame(people), concurrency=2).status.is_paid
    finally:
        done.set()
        thread.join()
    # Fifteen rows by threes of calls of 20 ms, two at a time, are 450 ms at least.
    assert counted > 60


def test_runs_in_threads_on_stores_of_their_own(far: Far, tmp_path: Path) -> None:
    client = far.client()
    reports: dict[int, kesspay.Report] = {}

    def pay(at: int) -> None:
        engine = kesspay.PayoutEngine(str(tmp_path / f"{at}.db"), client, policy=POLICY)
        people = [row(number, reference=f"S{at}-{number}") for number in range(1, 21)]
        reports[at] = engine.run(polars.DataFrame(people))

    threads = [threading.Thread(target=pay, args=(at,)) for at in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reports[at].status.counts["paid"] for at in range(3)] == [20, 20, 20]
    booked = far.booked()
    assert len(booked) == 60 and all(booking.times_booked == 1 for booking in booked)


def test_threads_that_want_one_store_take_turns_or_are_told(far: Far, tmp_path: Path) -> None:
    far.faults({"fault": "slow", "millis": 20})
    engine = kesspay.PayoutEngine(str(tmp_path / "payout.db"), far.client(), policy=POLICY)
    told: list[type[BaseException]] = []
    people = polars.DataFrame([row(number, reference=f"O-{number}") for number in range(1, 11)])

    def pay(batch: str) -> None:
        try:
            engine.run(people, batch=batch, concurrency=2)
        except kesspay.Error as error:
            told.append(type(error))

    threads = [threading.Thread(target=pay, args=(f"b{at}",)) for at in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    far.faults(clear=True)
    assert set(told) <= {kesspay.LockedError, kesspay.FileRefusedError}
    paid = [status for status in engine.batches() if status.is_paid]
    assert len(paid) == 1 and len(told) == 2, (told, engine.batches())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_is_forked_while_a_run_is_on_is_told_at_once(
    gateway: Far, tmp_path: Path
) -> None:
    gateway.faults({"fault": "slow", "millis": 20})
    script = """
        import gc, os
        ours = engine()
        run = ours.start("june.csv", batch="june", concurrency=4)
        next(iter(run))
        report = ours.report("june")
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            asked = (ours.status, run.wait, ours.resume, lambda: list(run), lambda: list(report),
                     report.to_polars, lambda: kesspay.check("june.csv"),
                     lambda: ours.run("june.csv"))
            for ask in asked:
                try:
                    ask()
                except kesspay.ForkedError as error:
                    print("told", "spawn" in str(error), flush=True)
            del run, ours, report
            gc.collect()
            print("quick", time.monotonic() - began < 2, flush=True)
            os._exit(7)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, run.wait().status.is_paid)
    """
    process = begin(script, gateway, tmp_path)
    out, stderr = process.communicate(timeout=30)
    lines = out.splitlines()
    assert lines.count("told True") == 8, (out, stderr)
    assert "quick True" in lines and lines[-1] == "7 True", (out, stderr)
    each_paid_once(gateway, kesspay.PayoutEngine(str(tmp_path / "payout.db")).report("june"))


def pay_five(at: int, folder: str, environment: dict[str, str]) -> int:
    os.environ.update(environment)
    engine = kesspay.PayoutEngine(f"{folder}/{at}.db", kesspay.Client.from_env(), policy=POLICY)
    people = [row(number, reference=f"W{at}-{number}") for number in range(1, 6)]
    return engine.run(polars.DataFrame(people)).status.counts[kesspay.Outcome.PAID]


def test_workers_that_were_spawned_work_on_stores_of_their_own(far: Far, tmp_path: Path) -> None:
    far.client().authenticate()
    work = [(at, str(tmp_path), far.environment) for at in range(2)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.starmap(pay_five, work) == [5, 5]


def test_an_interrupt_during_a_check_gives_it_up(python: Python, tmp_path: Path) -> None:
    """A file of many rows; the interrupt comes while it is read."""
    ran = python(
        """
        import os, signal, sys, threading, time, kesspay, polars
        from payroll import rows
        frame = polars.DataFrame(rows(500))
        big = polars.concat([frame.with_columns(
            reference=polars.col("reference") + polars.lit(f"-{n}")) for n in range(200)])
        big.write_csv(sys.argv[1])
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        try:
            kesspay.check(sys.argv[1])
            time.sleep(5)
        except KeyboardInterrupt:
            print(time.monotonic() - began < 2)
        """,
        str(tmp_path / "big.csv"),
    )
    assert ran.stdout == "True\n", ran.stderr


def test_the_loop_of_a_thread_is_as_good_as_any(far: Far, tmp_path: Path) -> None:
    found: list[int] = []

    async def pay() -> None:
        engine = kesspay.AsyncPayoutEngine(
            str(tmp_path / "payout.db"), far.client().asynchronous(), policy=POLICY
        )
        people = [row(number, reference=f"L-{number}") for number in range(1, 4)]
        report = await engine.run(polars.DataFrame(people))
        found.append(report.status.counts[kesspay.Outcome.PAID])

    thread = threading.Thread(target=lambda: asyncio.run(pay()))
    thread.start()
    thread.join()
    assert found == [3]


def test_looking_at_a_store_leaves_the_locks_of_a_run_alone(far: Far, tmp_path: Path) -> None:
    """Or another process would take itself for the last one, and remove the log that is written."""
    far.faults({"fault": "slow", "millis": 30})
    store = tmp_path / "payout.db"
    engine = kesspay.PayoutEngine(str(store), far.client(), policy=POLICY)
    people = [row(number, reference=f"Z-{number}") for number in range(1, 21)]
    run = engine.start(polars.DataFrame(people), batch="june", concurrency=2)
    for event in run:
        if isinstance(event, kesspay.events.RowChanged) and event.after == "paid":
            break
    log = store.with_name("payout.db-wal")
    written = log.stat().st_ino
    assert engine.status("june").unsettled > 0 and len(engine.report("june").to_polars()) == 20
    look = """
        import sqlite3, sys
        there = sqlite3.connect(sys.argv[1])
        there.execute("select 1 from batches").fetchall()
        there.close()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(look), str(store)], check=True)
    assert log.exists() and log.stat().st_ino == written
    far.faults(clear=True)
    assert run.wait().status.is_paid and engine.status("june").is_paid
