"""Checking a batch file or a frame before anything is sent: every problem, in one pass.

The rules are those of `payout check`. Nothing here touches a network or a store.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from kesspay import _native
from kesspay.arrow import native_source
from kesspay.display import check_html
from kesspay.wording import counted, money

if TYPE_CHECKING:
    import pandas
    import polars

    from kesspay._native import CheckedSource
    from kesspay.arrow import ArrowStream, Source

__all__ = ["Check", "Finding", "check"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or odd, in a batch file, with the place and the way out."""

    line: int
    """Physical line of the file, from 1; of a frame, the line it would have as CSV."""
    row: int | None
    """Row, from 1. `None` for what concerns the file as a whole: that cannot be skipped."""
    column: str | None
    """The column, as the manual spells it, or as the file does where it is not known."""
    code: str
    """What kind of finding it is; stable, for programs."""
    value: str | None
    """The value, masked where it identifies a person or an account."""
    message: str
    """What is wrong, in one sentence."""
    hint: str
    """What to do about it."""

    def __str__(self) -> str:
        column = f", {self.column}" if self.column else ""
        return f"line {self.line}{column}: {self.message}"


@dataclass(frozen=True, slots=True)
class Check:
    """What a file was found to be. In a notebook it shows itself as a table."""

    rows: int
    """Rows below the heading, blank ones not counted."""
    valid: int
    """Rows without a problem."""
    totals: dict[str, Decimal]
    """Sums of the valid rows, by currency."""
    problems: list[Finding]
    """What stands against the file, by line."""
    warnings: list[Finding]
    """What is odd and does not hinder, by line."""
    _source: CheckedSource

    @property
    def ok(self) -> bool:
        """Whether the file can be paid as it is."""
        return not self.problems

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        sums = ", ".join(f"{money(sum_, name)} {name}" for name, sum_ in self.totals.items())
        found = [counted(len(self.problems), "problem"), counted(len(self.warnings), "warning")]
        rows = counted(self.rows, "row")
        return f"{rows}, {self.valid:,} valid ({sums or 'no sum'}), {', '.join(found)}"

    def __repr__(self) -> str:
        return f"<kesspay.Check: {self}>"

    def _repr_html_(self) -> str:
        return check_html(self)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The findings as an Arrow stream, problems before warnings."""
        return self._source.findings().__arrow_c_stream__(requested_schema)

    def to_pandas(self) -> pandas.DataFrame:
        """The findings as a pandas `DataFrame`."""
        from kesspay.arrow import to_pandas

        return to_pandas(self)

    def to_polars(self) -> polars.DataFrame:
        """The findings as a polars `DataFrame`."""
        from kesspay.arrow import to_polars

        return to_polars(self)


def check(
    source: Source | str | os.PathLike[str] | ArrowStream, *, public_key: str | None = None
) -> Check:
    """Checks a batch file, or a frame, without network: every problem, in one pass.

    Args:
        source: The path of a CSV file or an Excel workbook, or anything that speaks the Arrow
            PyCapsule interface: a DataFrame of pandas or polars, a pyarrow table. In a frame,
            `bank_account_number`, `phone_number` and `postcode` must be text, because an
            integer has no leading zeros, and `amount` must be decimals, integers or text.
        public_key: The merchant's public key (PEM), which says how much room the sealed block
            has. Without it, that of a key of 2048 bits is assumed.

    Returns:
        What was found, problems and sums.

    Raises:
        TypeError: A column of the frame has a type in which something was lost already.
        EngineError: The file cannot be read.

    Example:
        >>> check = kesspay.check("june.csv")
        >>> for problem in check.problems:
        ...     print(problem, "--", problem.hint)
    """
    return _native.check(native_source(source), public_key).wait()
