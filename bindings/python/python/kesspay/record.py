"""What answers are made of: the base of all records, replies, rows and pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Dict, Generic, List, Literal, TypeVar, Union

__all__ = ["Day", "JsonValue", "Page", "Record", "Reply", "Rows", "Timestamp", "Untyped"]

T = TypeVar("T")

Timestamp = Union[datetime, str]
"""A point in time: a `datetime` in UTC, or the gateway's own text where it has no known form."""

Day = Union[date, str]
"""A day: a `date`, or the gateway's own text where it is none."""

JsonValue = Union[None, bool, int, Decimal, str, List["JsonValue"], Dict[str, "JsonValue"]]
"""JSON that nobody has described. Numbers are `int` or `Decimal`, never `float`."""

SignatureVerdict = Literal[
    "unchecked", "absent", "mismatched", "data", "data_and_sign_type", "envelope"
]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer behind a record: what stands beside its data."""

    status: int
    """The HTTP status."""

    body: bytes
    """The whole answer, as it came. It may hold personal data, so `repr` shows its size only."""

    signature: SignatureVerdict
    """What the check of the answer's signature said: which reading matched (`data`,
    `data_and_sign_type`, `envelope`), or `mismatched`, `absent`, `unchecked`."""

    request_id: str | None
    """The id under which the gateway has the call in its logs, where it tells one."""

    def __repr__(self) -> str:
        return (
            f"Reply(status={self.status}, body=<{len(self.body)} bytes>, "
            f"signature={self.signature!r}, request_id={self.request_id!r})"
        )


class Record:
    """The base of all records.

    Records do not change, compare by their fields, and can be pickled; a copy has no `reply`.
    `repr` leaves out what is None and masks what is personal or secret; the attributes have it.
    """

    __slots__ = ("__weakref__", "_reply")

    _reply: Reply | None
    _sensitive: ClassVar[frozenset[str]] = frozenset()

    @property
    def reply(self) -> Reply | None:
        """The answer that this record was read from, where it is the answer of a call."""
        return getattr(self, "_reply", None)

    def __repr__(self) -> str:
        shown = []
        for field in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value = getattr(self, field.name)
            if value is None:
                continue
            masked = field.name in self._sensitive
            shown.append(f"{field.name}={'[masked]' if masked else repr(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


class Rows(List[T]):
    """A list that is the answer of a call."""

    __slots__ = ("__weakref__", "_reply")

    _reply: Reply | None

    def __init__(self, rows: Iterable[T] = ()) -> None:
        super().__init__(rows)

    @property
    def reply(self) -> Reply | None:
        """The answer that these rows were read from."""
        return getattr(self, "_reply", None)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self),)


@dataclass(frozen=True, slots=True, repr=False)
class Page(Record, Generic[T]):
    """One page of a list. The `iter_...` methods go through all of them."""

    items: list[T]
    """The rows of this page."""

    current_page: int | None
    """The number of this page, from 1."""

    last_page: int | None
    """The number of the last page."""

    total: int | None
    """How many rows there are on all pages."""

    per_page: int | None
    """How many rows a page has."""


@dataclass(frozen=True, slots=True, repr=False)
class Untyped(Record):
    """An answer whose shape nobody has described. `repr` masks it: it may hold anything."""

    _sensitive: ClassVar[frozenset[str]] = frozenset({"value"})

    value: JsonValue
    """The data of the answer."""
