"""Open enumerations: lists of values to which the gateway adds without notice.

A value that is not listed makes no error. It becomes a member of its own, with the text as its
value, so that code which compares statuses goes on working the day a new one appears.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

__all__ = ["OpenEnum"]


class OpenEnum(str, Enum):
    """A text with a list of values that are known.

    Members are texts: they are equal to their value, hash like it, and print as it. A value that
    is not listed is kept:

        >>> from kesspay import OrderStatus
        >>> OrderStatus("SUCCESS") is OrderStatus.SUCCESS
        True
        >>> OrderStatus("BRAND_NEW").is_known
        False
        >>> OrderStatus("BRAND_NEW") == "BRAND_NEW"
        True
    """

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if not isinstance(value, str):
            return None
        text = str.__str__(value).strip()
        listed = cls._value2member_map_.get(text)
        if listed is not None:
            return listed
        member = str.__new__(cls, text)
        member._name_ = text
        member._value_ = text
        return member

    @property
    def is_known(self) -> bool:
        """Whether this version lists the value."""
        return self._value_ in type(self)._value2member_map_

    def __str__(self) -> str:
        return str(self._value_)

    def __format__(self, spec: str) -> str:
        return format(str(self._value_), spec)

    def __repr__(self) -> str:
        if self.is_known:
            return f"{type(self).__name__}.{self._name_}"
        return f"{type(self).__name__}({self._value_!r})"

    def __hash__(self) -> int:
        return hash(self._value_)

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        # By value: what is not listed has no name to be found by.
        return type(self), (self._value_,)
