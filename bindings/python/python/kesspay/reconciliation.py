"""What the store and the gateway's ledger disagree on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from kesspay.batch import Outcome, Stopped
from kesspay.display import reconciliation_html
from kesspay.open_enum import OpenEnum

__all__ = ["Difference", "DifferenceKind", "Reconciliation"]


class DifferenceKind(OpenEnum):
    """In what the ledgers differ."""

    OUTCOME = "outcome"
    """The order stands otherwise at the gateway than the row in the store."""
    AMOUNT = "amount"
    """Amount or currency differ."""
    MISSING = "missing"
    """The gateway does not know an order that the store saw there."""
    UNLISTED = "unlisted"
    """Paid in the store and by query, but not in the gateway's list of orders."""
    UNKNOWN_ORDER = "unknown_order"
    """An order with this batch's code that the store does not know."""
    EARLIER_ATTEMPT = "earlier_attempt"
    """An earlier attempt at the row was paid, or is still open."""
    UNANSWERED = "unanswered"
    """The gateway gave no usable answer, so nothing is known."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something the ledgers disagree on."""

    kind: DifferenceKind
    row: int | None
    """The row, where there is one."""
    reference: str | None
    outcome: Outcome | None
    """How the row stands in the store."""
    amount: Decimal | None
    currency: str | None
    out_trade_no: str | None
    """The order number; absent where the difference is about the list as a whole."""
    gateway_status: str | None
    """What the gateway shows of the order, if it shows one."""
    gateway_amount: Decimal | None
    gateway_currency: str | None
    message: str
    """One line for people."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A comparison of the two ledgers. It moved nothing and wrote nothing."""

    batch: str
    rows: int
    """Rows that were looked at."""
    asked: int
    """Orders that the gateway was asked about."""
    listed: int
    """Orders of the batch in the gateway's list."""
    differences: list[Difference]
    stopped: Stopped | None
    """Why the comparison is not complete, if it is not."""

    @property
    def agrees(self) -> bool:
        """Whether the comparison is complete and found no difference."""
        return self.stopped is None and not self.differences

    def __iter__(self) -> Iterator[Difference]:
        return iter(self.differences)

    def __len__(self) -> int:
        return len(self.differences)

    def __bool__(self) -> bool:
        """Always true: a comparison without differences is one, too."""
        return True

    def _repr_html_(self) -> str:
        return reconciliation_html(self)
