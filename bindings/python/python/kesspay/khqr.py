"""KHQR: checking a QR text offline, before it is shown or paid."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from kesspay import _native
from kesspay.currency import Currency
from kesspay.record import Record

__all__ = ["Khqr", "crc_holds", "khqr_md5", "parse_khqr"]


@dataclass(frozen=True, slots=True, repr=False)
class Khqr(Record):
    """The fields of a KHQR whose checksum holds. Not to be confused with the record
    `kesspay.records.Khqr`, which is the gateway's answer to `generate_khqr`."""

    _sensitive: ClassVar[frozenset[str]] = frozenset(
        {"bakong_account_id", "merchant_name", "fields"}
    )

    bakong_account_id: str | None
    """The Bakong account that is paid."""

    amount: Decimal | None
    """The amount, if the QR fixes one."""

    currency: Currency | None
    """The currency, if it is one of the gateway's two."""

    merchant_name: str | None
    """Who is paid."""

    fields: dict[int, str]
    """Every field by its tag. Templates are fields of fields, as text."""


def parse_khqr(qr: str) -> Khqr:
    """Reads the text of a KHQR.

    Raises:
        UnreadableReplyError: The checksum does not hold, or a field goes on after the end.
    """
    khqr: Khqr = _native.parse_khqr(qr)
    return khqr


def khqr_md5(qr: str) -> str:
    """The MD5 of a QR text in lower-case hex, which `generate_khqr` answers as `md5`."""
    return _native.khqr_md5(qr)


def crc_holds(qr: str) -> bool:
    """Whether the checksum at the end of a QR text holds. `native_pay` answers a QR text that is
    no KHQR, but has one."""
    return _native.crc_holds(qr)
