"""What happens in a run, one object for each thing.

Events are for eyes: an event may be lost with the process, a row may not. What counts is in the
store. They carry no personal data but the link of a one-time password, which is there to be opened
and is left out of `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from kesspay.batch import Outcome, Reason, Status, Stopped

__all__ = [
    "Concurrency",
    "Draining",
    "Ended",
    "Event",
    "Loading",
    "OtpRequired",
    "Paused",
    "Restored",
    "RowChanged",
    "RunStopped",
    "Started",
    "Verified",
    "Wallet",
    "Warned",
]


class Event:
    """Something happened in a run. Look at it with `isinstance` or `match`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Loading(Event):
    """Rows were written to the store."""

    rows: int
    """Rows written so far."""


@dataclass(frozen=True, slots=True)
class Started(Event):
    """A run begins, with the batch as it stands."""

    status: Status


@dataclass(frozen=True, slots=True)
class Restored(Event):
    """The store is older than what was last seen of it, or nobody knows how old it is: the gateway
    is asked about every order before anything is sent.
    """

    since: datetime


@dataclass(frozen=True, slots=True)
class RowChanged(Event):
    """A row's outcome changed, and the change is durable."""

    row: int
    """Number of the row in the file or frame, from 1."""
    reference: str
    """The merchant's id of the payout."""
    before: Outcome
    after: Outcome
    amount: Decimal
    currency: str
    reason: Reason | None
    """Why, where there is something to say."""


@dataclass(frozen=True, slots=True)
class Verified(Event):
    """A row was verified in a dry run; nothing is sent for it."""

    row: int


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """A row goes on, but a person may want to know."""

    row: int
    reference: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class OtpRequired(Event):
    """A withdrawal waits for its one-time password."""

    row: int
    reference: str
    url: str | None = field(repr=False)
    """The page on which to enter it."""
    expires_at: datetime | None
    """When the order closes."""


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """The gateway is busy or away; nobody calls it for a while."""

    reason: Reason
    pause: timedelta


@dataclass(frozen=True, slots=True)
class Concurrency(Event):
    """The number of calls that may be in flight changed markedly."""

    calls: int
    reason: Reason | None
    """What the gateway said, where that made them fewer."""


@dataclass(frozen=True, slots=True)
class Wallet(Event):
    """What the wallet holds and what the batch needs of one currency."""

    currency: str
    balance: Decimal | None
    """What the wallet holds, if the gateway told."""
    needed: Decimal
    """What the batch's pending rows need, with money in flight of other batches."""


@dataclass(frozen=True, slots=True)
class Draining(Event):
    """Interrupted: calls in flight end, nothing new starts."""

    in_flight: int


@dataclass(frozen=True, slots=True)
class RunStopped(Event):
    """The batch stopped for a cause that concerns all rows."""

    stopped: Stopped


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """The run ended, with the batch as it stands."""

    status: Status
