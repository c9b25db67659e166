"""The payout engine: pay a file or a frame of people, exactly once, or be told exactly why not.

`PayoutEngine` blocks while it works, with the interpreter released; in a notebook it is the
one to use, because Jupyter cannot interrupt a cell that awaits. `AsyncPayoutEngine`
is the same with `await`.

Nothing here decides about money. The engine itself does, in Rust, and what counts is in the store:
a process that dies, a kernel that is restarted, an interrupt at any moment are all followed by
`resume`, which asks the gateway about what was sent and never sends it twice.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from kesspay import _native
from kesspay.arrow import native_source
from kesspay.client import AsyncClient, Client
from kesspay.errors import Interrupted
from kesspay.options import native_options, takes_run_options
from kesspay.progress import open_progress
from kesspay.report import Report

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from kesspay.arrow import Source
    from kesspay.batch import Status
    from kesspay.events import Event
    from kesspay.options import RunOptions
    from kesspay.reconciliation import Reconciliation
    from kesspay.report import OtpWaiting, ReportRow

__all__ = ["PayoutEngine", "Run"]

LOOK_EVERY = 100
"""Milliseconds between looks at a run."""

DRAIN_FOR = 700
"""Milliseconds that calls in flight are given to end after an interrupt."""


def native_engine(
    store: str, client: Client | AsyncClient | None, policy: Mapping[str, Any] | None
) -> _native.Engine:
    """The engine's compiled half."""
    if client is not None and not isinstance(client, (Client, AsyncClient)):
        raise TypeError(f"client: a kesspay.Client is needed, not {type(client).__name__}")
    gateway = None if client is None else client._gateway
    return _native.Engine(store, gateway, json.dumps(dict(policy or {})))


def stopped_early(status: Status) -> str:
    """What a person is told whose run was interrupted."""
    settled = status.rows - status.unsettled
    return (
        f"batch {status.batch} was stopped with {settled:,} of {status.rows:,} rows settled; "
        f"engine.resume({status.batch!r}) goes on, and pays nobody twice"
    )


class Run:
    """A run that is on. Iterate over it for its events, `wait` for its end.

    As a context manager it stops the run when the block is left early.
    """

    def __init__(self, native: _native.Run, engine: _native.Engine) -> None:
        self._native = native
        self._engine = engine

    @property
    def batch(self) -> str:
        """The batch's name."""
        return self._native.batch

    def status(self) -> Status:
        """How the batch stands just now."""
        return self._native.status()

    def stop(self) -> None:
        """Asks the run to end: calls in flight finish, nothing new is sent."""
        self._native.stop()

    def wait(self, progress: bool | None = None) -> Report:
        """Waits for the end of the run.

        Args:
            progress: Show a bar; without a word, on a terminal and in a notebook.

        Returns:
            The report, whatever became of the rows: a row that fails is no exception.

        Raises:
            Interrupted: Ctrl-C, or the notebook's stop button. The run was stopped at a safe point.
            EngineError: The store failed, another runner holds it, the books do not add up.
        """
        with open_progress(progress) as shown:
            try:
                while not self._native.ended(LOOK_EVERY).wait():
                    shown.update(self.status(), self._native.verified)
                shown.update(self.status(), self._native.verified)
            except KeyboardInterrupt:
                shown.close()
                self._interrupt()
        status = self._native.result()
        if status is None:
            status = self._engine.status(self.batch).wait()
        return Report(status, self._engine.rows_of(self.batch))

    def __iter__(self) -> Iterator[Event]:
        """The events of the run, to its end. There is one reader."""
        try:
            while (events := self._native.events().wait()) is not None:
                yield from events
        except KeyboardInterrupt:
            self._interrupt()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        """Drains the run for a moment, and gives it up where that takes longer."""
        self.stop()
        try:
            if self._native.ended(DRAIN_FOR).wait():
                return
        finally:
            # A second interrupt comes here at once. Nothing is lost by it, only less tidy.
            self._native.give_up()
        self._native.ended(DRAIN_FOR).wait()

    def _interrupt(self) -> NoReturn:
        """Ends the run and says how to go on."""
        # Whoever interrupts twice wants to leave at once, and to know how to go on all the same.
        with suppress(KeyboardInterrupt):
            self._end()
        status = self._engine.status(self.batch).wait()
        raise Interrupted(stopped_early(status), status) from None


class PayoutEngine:
    """Checks, pays and follows batches, which live in a store.

    Args:
        store: Where batches are kept: `sqlite://payout.db`, or just a path. It is made where it
            is not there, for its owner alone. It is the same store that the `payout` command
            uses, so each can go on with what the other began.
        client: The gateway's client. Looking (`status`, `report`, `otp`) needs none.
        policy: The engine's patience, for tests and unusual gateways: the settings of the section
            `[policy]` of `payout.toml`, such as `{"settle": "5s"}`.

    Example:
        >>> engine = kesspay.PayoutEngine("sqlite://payout.db", kesspay.Client.from_env())
        >>> report = engine.run("june.csv", expect_total={"USD": "12500.00"})
        >>> report.status.counts["paid"]
        1200
    """

    def __init__(
        self,
        store: str = "sqlite://payout.db",
        client: Client | AsyncClient | None = None,
        *,
        policy: Mapping[str, Any] | None = None,
    ) -> None:
        self._native = native_engine(store, client, policy)

    @classmethod
    def from_env(cls) -> Self:
        """An engine with the store, the patience and the client that the `payout` command would
        have here: out of the environment and `payout.toml`.

        Raises:
            ConfigurationError: Something is missing (all of it is named) or makes no sense.
        """
        engine = cls.__new__(cls)
        engine._native = _native.engine_from_env()
        return engine

    @takes_run_options
    def run(
        self, source: Source, *, progress: bool | None = None, **options: Unpack[RunOptions]
    ) -> Report:
        """Checks a file or frame, writes the batch to the store, and pays it.

        Args:
            source: A path of a CSV file or workbook, or a frame that speaks Arrow.
            progress: Show a bar; without a word, on a terminal and in a notebook.
            **options: See `RunOptions`.

        Returns:
            Every row with its outcome. A row that fails is no exception: look at
            `report.status`.

        Raises:
            FileRefusedError: The file was refused, nothing was sent; `.check` has every problem.
            Interrupted: Ctrl-C, or the notebook's stop button; `resume` goes on.
            EngineError: The store failed, or another runner holds it.
        """
        return self._begin(source, options, is_read=False).wait(progress)

    @takes_run_options
    def start(self, source: Source, **options: Unpack[RunOptions]) -> Run:
        """Like `run`, but returns as soon as the batch is in the store and goes on by itself:
        for whoever wants its events.

        Example:
            >>> with engine.start("june.csv") as run:
            ...     for event in run:
            ...         print(event)
            ...     report = run.wait()
        """
        return self._begin(source, options, is_read=True)

    def _begin(self, source: Source, options: RunOptions, is_read: bool) -> Run:
        begun = self._native.begin(native_source(source), native_options(options), is_read)
        return Run(begun.wait(), self._native)

    def start_resume(self, batch: str | None = None) -> Run:
        """Like `resume`, but returns at once and goes on by itself: for whoever wants its
        events.
        """
        return Run(self._native.resume(batch, True).wait(), self._native)

    def resume(self, batch: str | None = None, *, progress: bool | None = None) -> Report:
        """Goes on where a batch stopped, whatever stopped it.

        Args:
            batch: The batch's name; without it, the newest one that is not finished.
            progress: Show a bar.
        """
        return Run(self._native.resume(batch, False).wait(), self._native).wait(progress)

    def retry(self, batch: str | None = None, *, progress: bool | None = None) -> Report:
        """New attempts, under new order numbers, for rows that certainly moved no money."""
        return Run(self._native.retry(batch).wait(), self._native).wait(progress)

    def cancel(
        self, batch: str | None = None, *, reason: str | None = None, progress: bool | None = None
    ) -> Report:
        """Sends nothing more of a batch, and closes orders that wait for a password. For good."""
        run = self._native.cancel(batch, getpass.getuser(), reason).wait()
        return Run(run, self._native).wait(progress)

    def status(self, batch: str | None = None) -> Status:
        """How a batch stands; without a name, the newest."""
        return self._native.status(batch).wait()

    def batches(self) -> list[Status]:
        """Every batch in the store, newest first."""
        return self._native.batches().wait()

    def otp(self, batch: str | None = None) -> list[OtpWaiting]:
        """The withdrawals that wait for a one-time password, with their links."""
        return self._native.otp(batch).wait()

    def report(self, batch: str | None = None) -> Report:
        """Every row of a batch with its outcome; without a name, of the newest."""
        status = self.status(batch)
        return Report(status, self._native.rows_of(status.batch))

    def reconcile(self, batch: str | None = None) -> Reconciliation:
        """Asks the gateway about every row, and lists what the two ledgers disagree on. Moves
        nothing and writes nothing, on either side.
        """
        return self._native.reconcile(batch).wait()

    def release(
        self, reference: str, *, reason: str, by: str | None = None, batch: str | None = None
    ) -> ReportRow:
        """Lets a held row be paid by the next `resume`. Who decided and why is kept with it."""
        by = by or getpass.getuser()
        return self._native.decide(batch, reference, True, by, reason).wait()

    def reject(
        self, reference: str, *, reason: str, by: str | None = None, batch: str | None = None
    ) -> ReportRow:
        """Gives a held row up. Who decided and why is kept with it."""
        by = by or getpass.getuser()
        return self._native.decide(batch, reference, False, by, reason).wait()

    def purge(self, batch: str) -> Status:
        """Removes personal data from a finished batch for good; amounts and outcomes stay."""
        return self._native.purge(batch).wait()

    def __repr__(self) -> str:
        return f"<kesspay.PayoutEngine on {self._native.store}>"
