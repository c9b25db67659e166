"""What outcomes, numbers and amounts are called where people read them.

The words are those of the ``payout`` command, so that a bar in a notebook and a bar on a terminal
say the same. Amounts stay exact: digits are grouped as text, and nothing passes through a float.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    from kesspay.batch import Status

__all__ = [
    "cells",
    "counted",
    "cut",
    "money",
    "one_line",
    "outcome_words",
    "settled",
    "span",
    "standing",
    "without_links",
]

_OUTCOMES = {
    "pending": "not sent yet",
    "held": "held for a decision",
    "in_doubt": "in doubt",
    "awaiting_otp": "waiting for an OTP",
    "processing": "in progress",
    "paid": "paid",
    "failed": "failed",
    "expired": "expired unpaid",
    "cancelled": "cancelled",
    "reversed": "paid and given back",
    "invalid": "invalid, not sent",
}

_DECIMALS = {"USD": 2, "KHR": 0}
"""Decimals that a currency is written with. More are shown, too: nothing is ever rounded."""


def outcome_words(outcome: str) -> str:
    """An outcome in plain words; one that is not known yet is called by its name."""
    return _OUTCOMES.get(str(outcome), str(outcome).replace("_", " "))


def counted(number: int, what: str) -> str:
    """``1 row``, ``2 rows``, ``no rows``."""
    if number == 0:
        return f"no {what}s"
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def money(amount: Decimal, currency: str) -> str:
    """An amount with commas between thousands and the decimals of its currency."""
    text = format(amount, ",f")
    decimals = _DECIMALS.get(str(currency))
    if decimals is None or not amount.is_finite():
        return text
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    return f"{whole}.{fraction}" if fraction else whole


def span(time: timedelta) -> str:
    """A time that something took: ``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 10 min``."""
    seconds = time.days * 86_400 + time.seconds
    if seconds < 10:
        return f"{seconds}.{time.microseconds // 100_000} s"
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3_600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    return f"{seconds // 3_600:,} h {seconds % 3_600 // 60:02} min"


def settled(status: Status) -> int:
    """Rows with which a run has nothing more to do."""
    counts = {str(outcome): count for outcome, count in status.counts.items()}
    still_open = sum(counts.get(outcome, 0) for outcome in ("pending", "in_doubt", "processing"))
    return max(0, status.rows - still_open)


def standing(status: Status) -> str:
    """Paid money by currency, and what is not as it should be."""
    parts = [f"{money(total.paid, name)} {name}" for name, total in status.totals.items()]
    if parts:
        parts[-1] += " paid"
    parts += [
        f"{count:,} {outcome_words(outcome)}"
        for outcome, count in status.counts.items()
        if count and str(outcome) not in ("paid", "pending")
    ]
    return ", ".join(parts)


def one_line(text: str) -> str:
    """Text without anything that steers a terminal: it may come from a file or the gateway."""
    return "".join(" " if _steers(character) else character for character in text)


def without_links(text: str) -> str:
    """Text without web addresses: that of a one-time password's page is as good as the password,
    and a notebook is saved with everything that it shows.
    """
    return _LINK.sub("[link]", text)


_LINK = re.compile(r"\b\w+://\S+")


def cells(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(map(_width, text))


def cut(text: str, most: int) -> str:
    """As much of a text as fits into ``most`` columns."""
    if len(text) * 2 <= most or cells(text) <= most:
        return text
    width = 0
    for at, character in enumerate(text):
        width += _width(character)
        if width > most:
            return text[:at]
    return text


def _width(character: str) -> int:
    # Signs over and under a letter take no column: Khmer is full of them.
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _steers(character: str) -> bool:
    # Control characters and line ends, and the signs that turn the direction of what follows.
    return unicodedata.category(character) in ("Cc", "Zl", "Zp") or character in _DIRECTIONS


_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
