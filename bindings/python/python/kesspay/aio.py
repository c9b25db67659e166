"""The payout engine with `await`: see `engine` for what each method does.

In a notebook use `PayoutEngine` instead: Jupyter cannot interrupt a cell that
awaits.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kesspay import _native
from kesspay.arrow import native_source
from kesspay.engine import DRAIN_FOR, LOOK_EVERY, native_engine, stopped_early
from kesspay.errors import add_note
from kesspay.options import native_options, takes_run_options
from kesspay.progress import open_progress
from kesspay.report import Report

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from kesspay.arrow import Source
    from kesspay.batch import Status
    from kesspay.client import AsyncClient, Client
    from kesspay.events import Event
    from kesspay.options import RunOptions
    from kesspay.reconciliation import Reconciliation
    from kesspay.report import OtpWaiting, ReportRow

__all__ = ["AsyncPayoutEngine", "AsyncRun"]


class AsyncRun:
    """A run that is on. Iterate over it for its events, `await` `wait` for its end.

    As an async context manager it stops the run when the block is left early.
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

    async def wait(self, progress: bool | None = None) -> Report:
        """Waits for the end of the run. See `Run.wait`.

        Raises:
            asyncio.CancelledError: The waiting task was cancelled. The run was stopped at a safe
                point, and `resume` goes on.
        """
        with open_progress(progress) as shown:
            try:
                while not await self._native.ended(LOOK_EVERY):
                    shown.update(self.status(), self._native.verified)
                shown.update(self.status(), self._native.verified)
            except asyncio.CancelledError as error:
                await self._end()
                add_note(error, stopped_early(await self._engine.status(self.batch)))
                raise
        status = self._native.result()
        if status is None:
            status = await self._engine.status(self.batch)
        return Report(status, self._engine.rows_of(self.batch))

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The events of the run, to its end. There is one reader."""
        while (events := await self._native.events()) is not None:
            for event in events:
                yield event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end()

    async def _end(self) -> None:
        """Drains the run for a moment, and gives it up where that takes longer."""
        self.stop()
        try:
            if await self._native.ended(DRAIN_FOR):
                return
        finally:
            self._native.give_up()
        await self._native.ended(DRAIN_FOR)


class AsyncPayoutEngine:
    """`PayoutEngine` with `await`; its arguments are the same.

    Example:
        >>> engine = kesspay.AsyncPayoutEngine("sqlite://payout.db", client)
        >>> report = await engine.run("june.csv")
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
        """See `PayoutEngine.from_env`."""
        engine = cls.__new__(cls)
        engine._native = _native.engine_from_env()
        return engine

    @takes_run_options
    async def run(
        self, source: Source, *, progress: bool | None = None, **options: Unpack[RunOptions]
    ) -> Report:
        """See `PayoutEngine.run`."""
        run = await self._begin(source, options, is_read=False)
        return await run.wait(progress)

    @takes_run_options
    async def start(self, source: Source, **options: Unpack[RunOptions]) -> AsyncRun:
        """See `PayoutEngine.start`.

        Example:
            >>> async with await engine.start("june.csv") as run:
            ...     async for event in run:
            ...         print(event)
            ...     report = await run.wait()
        """
        return await self._begin(source, options, is_read=True)

    async def _begin(self, source: Source, options: RunOptions, is_read: bool) -> AsyncRun:
        begun = self._native.begin(native_source(source), native_options(options), is_read)
        return AsyncRun(await begun, self._native)

    async def start_resume(self, batch: str | None = None) -> AsyncRun:
        """See `PayoutEngine.start_resume`."""
        return AsyncRun(await self._native.resume(batch, True), self._native)

    async def resume(self, batch: str | None = None, *, progress: bool | None = None) -> Report:
        """See `PayoutEngine.resume`."""
        return await AsyncRun(await self._native.resume(batch, False), self._native).wait(progress)

    async def retry(self, batch: str | None = None, *, progress: bool | None = None) -> Report:
        """See `PayoutEngine.retry`."""
        return await AsyncRun(await self._native.retry(batch), self._native).wait(progress)

    async def cancel(
        self, batch: str | None = None, *, reason: str | None = None, progress: bool | None = None
    ) -> Report:
        """See `PayoutEngine.cancel`."""
        run = await self._native.cancel(batch, getpass.getuser(), reason)
        return await AsyncRun(run, self._native).wait(progress)

    async def status(self, batch: str | None = None) -> Status:
        """See `PayoutEngine.status`."""
        return await self._native.status(batch)

    async def batches(self) -> list[Status]:
        """See `PayoutEngine.batches`."""
        return await self._native.batches()

    async def otp(self, batch: str | None = None) -> list[OtpWaiting]:
        """See `PayoutEngine.otp`."""
        return await self._native.otp(batch)

    async def report(self, batch: str | None = None) -> Report:
        """See `PayoutEngine.report`. Its rows are read when they are asked for, and
        that blocks for as long as a local file takes.
        """
        status = await self.status(batch)
        return Report(status, self._native.rows_of(status.batch))

    async def reconcile(self, batch: str | None = None) -> Reconciliation:
        """See `PayoutEngine.reconcile`."""
        return await self._native.reconcile(batch)

    async def release(
        self, reference: str, *, reason: str, by: str | None = None, batch: str | None = None
    ) -> ReportRow:
        """See `PayoutEngine.release`."""
        by = by or getpass.getuser()
        return await self._native.decide(batch, reference, True, by, reason)

    async def reject(
        self, reference: str, *, reason: str, by: str | None = None, batch: str | None = None
    ) -> ReportRow:
        """See `PayoutEngine.reject`."""
        by = by or getpass.getuser()
        return await self._native.decide(batch, reference, False, by, reason)

    async def purge(self, batch: str) -> Status:
        """See `PayoutEngine.purge`."""
        return await self._native.purge(batch)

    def __repr__(self) -> str:
        return f"<kesspay.AsyncPayoutEngine on {self._native.store}>"
