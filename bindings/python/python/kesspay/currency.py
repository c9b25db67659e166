"""Currencies."""

from __future__ import annotations

from typing import Any

from kesspay.open_enum import OpenEnum

__all__ = ["Currency"]


class Currency(OpenEnum):
    """A currency: the gateway's two, or another one, kept as it came."""

    USD = "USD"
    """United States dollar, two decimals."""

    KHR = "KHR"
    """Cambodian riel, no decimals."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        # The gateway writes lower case in some replies.
        if isinstance(value, str) and (text := value.strip().upper()) in cls._value2member_map_:
            return cls._value2member_map_[text]
        return super()._missing_(value)

    @property
    def exponent(self) -> int | None:
        """How many decimals amounts have; None for a currency that is not known."""
        return {"USD": 2, "KHR": 0}.get(self.value)
