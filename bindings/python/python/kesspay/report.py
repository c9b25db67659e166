"""Reports: every row of a batch with its outcome.

A report decides nothing: it shows what the store holds. Account numbers are masked, except in a
CSV file, which carries the merchant's own columns back to where they came from.

The counts and sums are of the moment in which the report was made; rows are read from the store
each time they are asked for, page by page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from kesspay.batch import Outcome, Reason, Status
from kesspay.display import report_html

if TYPE_CHECKING:
    import pandas
    import polars

    from kesspay._native import ReportSource

__all__ = ["OtpWaiting", "Report", "ReportRow"]


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One row of a batch. `repr` leaves out what is personal."""

    row: int
    """Number of the row in the file or frame, from 1."""
    line: int
    """Physical line in the file."""
    reference: str
    """The merchant's id of the payout."""
    outcome: Outcome
    """How the row stands."""
    out_trade_no: str | None
    """The present order number, if one was minted."""
    amount: Decimal
    currency: str
    bic: str | None
    """The bank; absent once personal data was removed."""
    account: str | None
    """The account number, masked; absent once personal data was removed."""
    holder_name: str | None = field(repr=False)
    """The holder's name as the bank gave it."""
    transaction_id: str | None
    """The gateway's number of the transaction."""
    otp_url: str | None = field(repr=False)
    """The page on which the one-time password is entered."""
    otp_expires_at: datetime | None
    """When the order that waits for it closes."""
    attempts: int
    """Attempts begun."""
    error: Reason | None
    """Why the row stands as it does."""
    warning: Reason | None
    """What a person may want to know although the row went on."""
    extra: dict[str, str] = field(repr=False)
    """Columns of the file that the engine does not know."""
    updated_at: datetime
    """When the row last changed."""


@dataclass(frozen=True, slots=True)
class OtpWaiting:
    """A withdrawal that waits for its one-time password."""

    row: int
    reference: str
    out_trade_no: str | None
    amount: Decimal
    currency: str
    url: str | None = field(repr=False)
    """The page on which a person enters the password."""
    expires_at: datetime | None
    """When the order closes; after that a new attempt is needed."""


class Report:
    """Every row of a batch with its outcome.

    It speaks the Arrow PyCapsule interface: `polars.DataFrame(report)` and `pyarrow.table(report)`
    work as they are, without pandas. (`polars.from_arrow(report)` is a frame in late versions of
    polars 1, and one column of structs from polars 2 on.) In a notebook it shows itself as a table.

    Example:
        >>> report = engine.report("june")
        >>> report.to_pandas().query("status != 'paid'")
        >>> report.save("june-report.csv")
    """

    __slots__ = ("_source", "status")

    status: Status
    """Counts and sums."""

    def __init__(self, status: Status, source: ReportSource) -> None:
        self.status = status
        self._source = source

    def __len__(self) -> int:
        return self.status.rows

    def __iter__(self) -> Iterator[ReportRow]:
        """The rows, in the order of the file."""
        after = 0
        while page := self._source.rows(after).wait():
            yield from page
            after = page[-1].row

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows as an Arrow stream."""
        return self._source.table().wait().__arrow_c_stream__(requested_schema)

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a pandas `DataFrame`; amounts are `decimal.Decimal`."""
        from kesspay.arrow import to_pandas

        return to_pandas(self)

    def to_polars(self) -> polars.DataFrame:
        """The rows as a polars `DataFrame`; amounts are `Decimal`."""
        from kesspay.arrow import to_polars

        return to_polars(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the report to a file, private to its owner; the ending of its name says how:
        `.csv` (the file's columns and those of the outcome), `.json` or `.html`.

        Raises:
            ValueError: The name ends in something else.
            EngineError: The file cannot be written.
        """
        self._source.save(os.fspath(path)).wait()

    def __repr__(self) -> str:
        return f"<kesspay.Report: {self.status}>"

    def _repr_html_(self) -> str:
        return report_html(self)
