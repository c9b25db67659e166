"""What the gateway puts into the URL when it sends a payer back to `redirect_url`.

**Nothing of it is signed.** Whoever can open a browser can write such a URL: it is good for
choosing which page to show while `query_order` is asked, and never a proof of payment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kesspay import _native
from kesspay.record import Record

__all__ = ["UnverifiedRedirect", "parse_redirect"]


@dataclass(frozen=True, slots=True, repr=False)
class UnverifiedRedirect(Record):
    """The parameters of a redirect, unverified."""

    _sensitive: ClassVar[frozenset[str]] = frozenset({"token"})

    claims_success: bool | None
    """What the URL claims."""

    out_trade_no: str | None
    """The merchant's order number. Now query this order."""

    token: str | None
    """The gateway's token of the order."""

    message: str | None
    """A text for the payer."""

    gateway_code: str | None
    """After a failed card payment: why, such as `INSUFFICIENT_FUNDS`. An open list."""

    acquirer_message: str | None
    """After a failed card payment: the acquirer's words."""


def parse_redirect(url: str) -> UnverifiedRedirect:
    """Reads the parameters from a whole URL, or from its query alone.

    Raises:
        UnreadableReplyError: There is none of the parameters.
    """
    redirect: UnverifiedRedirect = _native.parse_redirect(url)
    return redirect
