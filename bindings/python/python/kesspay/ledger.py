"""What a sandbox tells: the money that moved, and the notices that it sent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from kesspay.currency import Currency

__all__ = ["Ledger", "LedgerRow", "Notice"]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One withdrawal."""

    out_trade_no: str
    """The merchant's order number."""

    amount: Decimal
    """The amount, positive."""

    currency: Currency
    """Its currency."""

    account: str
    """The account, masked."""

    bic: str
    """The bank."""

    status: str
    """`WAITING`, `SUCCESS`, `CLOSED`."""

    times_booked: int
    """How often money was taken for it. More than once means that somebody was paid twice."""

    times_returned: int
    """How often it was given back."""

    moved: Decimal
    """What is gone: the amount times the bookings that were not given back."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every withdrawal, and the merchant's wallets, at one moment."""

    rows: list[LedgerRow]
    """Withdrawals in the order of their order numbers."""

    balances: dict[str, Decimal]
    """What is left, by currency."""

    def row(self, out_trade_no: str) -> LedgerRow | None:
        """The row of an order."""
        return next((row for row in self.rows if row.out_trade_no == out_trade_no), None)

    def moved(self, currency: Currency | str) -> Decimal:
        """What is gone in a currency, all withdrawals together."""
        return sum((row.moved for row in self.rows if row.currency == currency), Decimal(0))


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that the sandbox sent or wants to send."""

    url: str
    """Where it goes. Only addresses of this machine are called."""

    body: bytes
    """The form that is posted, the same each time. `Client.verify_notice` takes it."""

    pushes: int
    """How often it was pushed."""

    state: Literal["waiting", "delivered", "given_up", "not_sent"]
    """What became of it."""

    def __repr__(self) -> str:
        return f"Notice(url={self.url!r}, pushes={self.pushes}, state={self.state!r})"
