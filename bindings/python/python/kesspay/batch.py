"""How a batch stands: outcomes of rows, sums of money, and what is left to do.

These are facts that the engine tells; nothing here asks the store or the gateway anything. All
amounts are exact `decimal.Decimal`. Nothing in this module holds personal data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from kesspay.display import status_html
from kesspay.open_enum import OpenEnum
from kesspay.wording import money, outcome_words

__all__ = ["BatchState", "Outcome", "Reason", "Status", "StopCause", "Stopped", "Total"]


class Outcome(OpenEnum):
    """How a row stands. Only `paid` is paid; only what `may_have_moved_money` denies can
    be paid anew without a thought.
    """

    PENDING = "pending"
    """Nothing was sent."""
    HELD = "held"
    """A person has to decide: the holder's name or the account's currency differs."""
    IN_DOUBT = "in_doubt"
    """Sent, and no conclusive answer yet: only queries may follow."""
    AWAITING_OTP = "awaiting_otp"
    """The gateway waits for a one-time password to be entered on its page."""
    PROCESSING = "processing"
    """Accepted by the gateway, not final."""
    PAID = "paid"
    """The gateway said SUCCESS, with our order number, amount and currency."""
    FAILED = "failed"
    """Refused; certainly no money moved."""
    EXPIRED = "expired"
    """The order was closed unpaid."""
    CANCELLED = "cancelled"
    """Cancelled before it was paid."""
    REVERSED = "reversed"
    """Paid and given back."""
    INVALID = "invalid"
    """Refused by validation, never sent."""

    @property
    def is_final(self) -> bool:
        """Whether the engine has nothing left to do and the gateway will not change its mind."""
        return self not in _OPEN

    @property
    def may_have_moved_money(self) -> bool:
        """Whether the payee has the money or may get it: paying again risks paying twice."""
        return self in _MAY_HAVE_MOVED_MONEY


_OPEN = frozenset(
    {Outcome.PENDING, Outcome.HELD, Outcome.IN_DOUBT, Outcome.AWAITING_OTP, Outcome.PROCESSING}
)
_MAY_HAVE_MOVED_MONEY = frozenset(
    {Outcome.IN_DOUBT, Outcome.AWAITING_OTP, Outcome.PROCESSING, Outcome.PAID}
)


class BatchState(OpenEnum):
    """Where a batch stands."""

    LOADING = "loading"
    """Its rows are being written; none of them can be paid yet."""
    READY = "ready"
    """Complete, not started."""
    RUNNING = "running"
    """A runner is at it, or died at it."""
    STOPPED = "stopped"
    """Ended before its rows did; `resume` goes on."""
    FINISHED = "finished"
    """Every row has ended or waits for a person."""
    MOVED = "moved"
    """It goes on in another store, and is here to be read only."""


class StopCause(OpenEnum):
    """A cause that concerns every row of a batch, so that going on would only burn attempts."""

    CREDENTIALS = "credentials"
    """The gateway does not accept the credentials or the signature."""
    FORBIDDEN = "forbidden"
    """The gateway refuses this caller: address not on the allow-list, or account disabled."""
    FUNDS = "funds"
    """The wallet holds less than the batch needs."""
    OUTAGE = "outage"
    """The gateway has not answered usefully for longer than the policy allows."""
    CANCELLED = "cancelled"
    """Somebody cancelled the batch."""
    BOOKS = "books"
    """The engine found its own books inconsistent and will not touch money on top of that."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is as it is: a code for programs, a line for people without personal data."""

    code: str
    message: str

    def __str__(self) -> str:
        return self.message if self.code in self.message else f"{self.message} ({self.code})"


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why a batch stopped before its rows were done, where the cause concerns all of them."""

    cause: StopCause
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Total:
    """The sums of one currency in a batch."""

    requested: Decimal
    """Sum over all rows."""
    by_outcome: dict[Outcome, Decimal]
    """Sum over the rows of each outcome; outcomes without rows are zero."""

    @property
    def paid(self) -> Decimal:
        """Sum over the rows that are paid."""
        return self.by_outcome[Outcome.PAID]


@dataclass(frozen=True, slots=True)
class Status:
    """A batch in numbers. In a notebook it shows itself as a table with a small chart."""

    batch: str
    """The batch's name."""
    state: BatchState
    """Where it stands."""
    rows: int
    """Rows in the batch, invalid ones included."""
    counts: dict[Outcome, int]
    """Rows by outcome; every outcome is there, zero or not."""
    totals: dict[str, Total]
    """Sums by currency."""
    elapsed: timedelta
    """Time that runs have spent on the batch."""
    stopped: Stopped | None
    """The cause for which the batch stopped, if it did."""
    interrupted: bool
    """Whether the last run was interrupted by its user."""
    cancelled: str | None = field(repr=False)
    """Who wants nothing more of it to be sent, and why, if anybody does."""
    dry_run: bool
    """Whether the batch only verifies accounts and moves nothing."""
    source: str
    """What the batch came from: the file's name and the hash of what it held."""
    created_at: datetime
    """When it was created."""
    purged_at: datetime | None
    """When its personal data was removed; nobody of it can be paid since."""

    @property
    def unsettled(self) -> int:
        """Rows with which `resume` has something to do."""
        waiting: tuple[Outcome, ...] = (Outcome.IN_DOUBT, Outcome.AWAITING_OTP, Outcome.PROCESSING)
        if not self.dry_run:
            waiting = (*waiting, Outcome.PENDING)
        return sum(self.counts[outcome] for outcome in waiting)

    @property
    def is_paid(self) -> bool:
        """Whether every single row is paid."""
        return self.counts[Outcome.PAID] == self.rows

    def next_steps(self) -> list[str]:
        """What to do next, a sentence each; empty where nothing is left to do."""
        name = repr(self.batch)
        steps: list[str] = []
        if self.purged_at is not None:
            return steps
        if self.stopped is not None and self.unsettled:
            steps.append(f"{self.stopped}; when that is settled: engine.resume({name})")
        elif self.unsettled:
            steps.append(f"engine.resume({name}) goes on")
        if self.counts[Outcome.AWAITING_OTP]:
            steps.append(f"engine.otp({name}) has the links for one-time passwords")
        if self.counts[Outcome.HELD]:
            steps.append("held rows wait for engine.release(...) or engine.reject(...)")
        retriable = (Outcome.FAILED, Outcome.EXPIRED, Outcome.CANCELLED)
        if self.cancelled is None and any(self.counts[outcome] for outcome in retriable):
            steps.append(
                f"engine.report({name}) says why rows failed; engine.retry({name}) tries them "
                "again under new order numbers"
            )
        return steps

    def __str__(self) -> str:
        counts = [
            f"{count:,} {outcome_words(outcome)}" for outcome, count in self.counts.items() if count
        ]
        paid = [
            f"{money(total.paid, currency)} of {money(total.requested, currency)} {currency} paid"
            for currency, total in self.totals.items()
        ]
        return f"batch {self.batch} ({self.state}): {', '.join(counts + paid)}"

    def _repr_html_(self) -> str:
        return status_html(self)
