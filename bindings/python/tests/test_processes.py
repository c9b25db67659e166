"""Threads, forks, interrupts, and the end of the interpreter."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kesspay
import pytest

Python = Callable[..., "subprocess.CompletedProcess[str]"]


def test_many_threads_share_a_client(kess_client: kesspay.Client) -> None:
    def verify(number: int) -> str | None:
        account = f"{number:09d}"
        return kess_client.verify_bank_account(
            bank_account_number=account, bic="ABAAKHPP"
        ).account_number

    with ThreadPoolExecutor(16) as pool:
        numbers = range(100_100, 100_300)
        assert list(pool.map(verify, numbers)) == [f"{number:09d}" for number in numbers]


def test_waiting_does_not_hold_the_interpreter(kess_sandbox: kesspay.Sandbox) -> None:
    kess_sandbox.add_fault("slow", millis=400)
    counted = 0
    done = threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.is_set():
            counted += 1
            time.sleep(0.005)

    thread = threading.Thread(target=count)
    thread.start()
    kess_sandbox.client().merchant_info()
    done.set()
    thread.join()
    assert counted > 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_is_told_at_once(python: Python) -> None:
    ran = python(
        """
        import gc, os, sys, kesspay
        sandbox = kesspay.Sandbox()
        client = sandbox.client()
        client.merchant_info()
        rows = client.iter_get_txn_lists(page=1)
        next(rows, None)
        child = os.fork()
        if child == 0:
            ask = client.merchant_info, client.asynchronous, client.authenticate
            for work in (*ask, lambda: next(rows)):
                try:
                    work()
                except (kesspay.ForkedError, StopIteration) as error:
                    print(type(error).__name__, "spawn" in str(error))
            try:
                kesspay.Sandbox.ledger(sandbox)
            except RuntimeError as error:
                print("sandbox", "forked" in str(error))
            client.close()
            del client, rows, sandbox
            gc.collect()
            sys.exit(7)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, client.merchant_info() is not None)
        """
    )
    lines = ran.stdout.splitlines()
    assert lines.count("ForkedError True") >= 3, (ran.stdout, ran.stderr)
    assert "sandbox True" in lines and lines[-1] == "7 True", (ran.stdout, ran.stderr)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_may_begin_what_its_parent_has_not(
    python: Python, kess_sandbox: kesspay.Sandbox
) -> None:
    ran = python(
        """
        import os, sys, kesspay
        os.environ.update(eval(sys.argv[1]))
        child = os.fork()
        answer = kesspay.Client.from_env().merchant_info()
        if not child:
            sys.exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), answer is not None)
        """,
        repr(kess_sandbox.environment),
    )
    assert ran.stdout.split() == ["7", "True"], (ran.stdout, ran.stderr)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_leaves_the_sandbox_of_its_parent_alone(python: Python) -> None:
    ran = python(
        """
        import gc, os, sys, kesspay
        sandbox = kesspay.Sandbox()
        os.environ.update(sandbox.environment)
        child = os.fork()
        if not child:
            sandbox.close()
            del sandbox
            gc.collect()
            kesspay.Client.from_env().merchant_info()
            sys.exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(sandbox.ledger().rows))
        """
    )
    assert ran.stdout.split() == ["7", "0"], (ran.stdout, ran.stderr)


def holder(environment: dict[str, str]) -> str | None:
    os.environ.update(environment)
    with kesspay.Client.from_env() as client:
        answer = client.verify_bank_account(bank_account_number="000123456", bic="ABAAKHPP")
    return answer.account_number


def test_spawned_workers_work(kess_sandbox: kesspay.Sandbox) -> None:
    kess_sandbox.client().authenticate()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(holder, [kess_sandbox.environment] * 4) == ["000123456"] * 4


INTERRUPTED = """
    import os, signal, sys, threading, time, kesspay
    with kesspay.Sandbox() as sandbox:
        client = sandbox.client()
        client.authenticate()
        customer = kesspay.Customer(
            phone_number="012345678", email="a@b.kh", first_name="A", last_name="B"
        )
        sandbox.add_fault("slow", millis=20000)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        try:
            if sys.argv[1] == "read":
                client.merchant_info()
            else:
                client.withdraw_by_bank_number(
                    out_trade_no="WD-1", total_amount=1, currency="USD", bic="ABAAKHPP",
                    bank_account="000123456", customer=customer,
                )
        except KeyboardInterrupt as interrupt:
            print(time.monotonic() - began < 1.5, getattr(interrupt, "__notes__", []))
        began = time.monotonic()
    print(time.monotonic() - began < 5)
"""


def test_ctrl_c_ends_the_waiting(python: Python) -> None:
    ran = python(INTERRUPTED, "read")
    assert ran.stdout.split("\n")[:2] == ["True []", "True"], (ran.stdout, ran.stderr)


def test_ctrl_c_during_a_payment_says_what_it_means(python: Python) -> None:
    ran = python(INTERRUPTED, "pay")
    assert ran.stdout.startswith("True"), (ran.stdout, ran.stderr)
    if sys.version_info >= (3, 11):
        assert "withdraw_by_bank_number was interrupted" in ran.stdout
        assert "query it by its out_trade_no" in ran.stdout


def test_a_signal_handler_may_use_the_client(python: Python) -> None:
    ran = python(
        """
        import os, signal, threading, kesspay
        with kesspay.Sandbox() as sandbox:
            client = sandbox.client()
            client.authenticate()
            sandbox.add_fault("slow", millis=1000, times=1)
            answered = []
            signal.signal(signal.SIGUSR1, lambda *_: answered.append(client.merchant_info()))
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            client.merchant_info()
            print(len(answered))
        """
    )
    assert ran.stdout.split() == ["1"], (ran.stdout, ran.stderr)


def test_the_process_ends_while_calls_are_under_way() -> None:
    script = """
        import logging, threading, time, kesspay
        logging.basicConfig(level=1)
        sandbox = kesspay.Sandbox()
        client = sandbox.client()
        client.authenticate()
        sandbox.add_fault("status", status=503, after=0)
        def work():
            while True:
                try:
                    client.merchant_info()
                except kesspay.Error:
                    pass
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.5)
    """
    for _ in range(3):
        began = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=30
        )
        assert ran.returncode == 0, ran.stderr[-2000:]
        assert "panicked" not in ran.stderr and "Fatal" not in ran.stderr, ran.stderr[-2000:]
        assert time.monotonic() - began < 15


def test_an_unhandled_interrupt_ends_the_process() -> None:
    script = """
        import kesspay
        with kesspay.Sandbox() as sandbox:
            client = sandbox.client()
            client.authenticate()
            sandbox.add_fault("slow", millis=20000)
            print("ready", flush=True)
            client.merchant_info()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=10)
    assert time.monotonic() - began < 3
    assert "KeyboardInterrupt" in stderr and process.returncode == -signal.SIGINT


ENDING = """
    import asyncio, logging, sys, threading, time, types, kesspay
    class Slow(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, *args, **more):
            handle = super().call_soon_threadsafe(*args, **more)
            time.sleep(0.4)
            return handle
    class Handler(logging.Handler):
        def emit(self, record):
            said.set()
            time.sleep(0.4)
    class Late:
        def __del__(self, sleep=time.sleep):
            sleep(1)
    said = threading.Event()
    sys.modules["late"] = types.ModuleType("late")
    sys.modules["late"].late = Late()
    sandbox = kesspay.Sandbox()
    if sys.argv[1] == "await":
        client = sandbox.async_client()
        async def ask():
            await client.merchant_info()
        loop = Slow()
        loop.run_until_complete(ask())
        loop.close()
    else:
        from payroll import rows, write
        from pathlib import Path
        path = write(Path(sys.argv[2]) / "june.csv", rows(5))
        engine = kesspay.PayoutEngine(str(path.with_name("payout.db")), sandbox.client())
        sandbox.add_fault("status", status=503)
        logging.getLogger("kesspay").addHandler(Handler())
        logging.getLogger("kesspay").setLevel(logging.DEBUG)
        run = engine.start(path)
        said.wait()
"""


@pytest.mark.parametrize("through", ["await", "log"])
def test_the_end_waits_for_threads_of_ours_that_are_in_python(
    python: Python, through: str, tmp_path: Path
) -> None:
    """A thread that wants the interpreter back from one that is gone takes the process down."""
    ran = python(ENDING, through, str(tmp_path))
    assert ran.returncode == 0 and not ran.stderr, (ran.returncode, ran.stderr)
