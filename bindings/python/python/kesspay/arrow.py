"""Frames in and out through the Arrow PyCapsule interface, so that none of pandas, polars and
pyarrow is needed, and each of them works.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Protocol, Union

from kesspay import _native

if TYPE_CHECKING:
    # Whoever does not have one of them gets `Any` for its frames.
    import pandas
    import polars

__all__ = ["ArrowStream", "Source", "native_source", "to_pandas", "to_polars"]


class ArrowStream(Protocol):
    """Anything that speaks the Arrow PyCapsule interface: frames of pandas and polars, tables of
    pyarrow, a `Report`.
    """

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The rows as an Arrow stream."""


Source = Union[str, "os.PathLike[str]", ArrowStream]
"""Where the rows of a batch come from: the path of a CSV file or workbook, or a frame."""


def native_source(source: Source) -> _native.Source:
    """The source as the compiled half reads it.

    Raises:
        TypeError: It is no source, or a column of it has a type in which something was lost.
    """
    return _native.source(_told_by_the_rules(source))


def _told_by_the_rules(source: Any) -> Any:
    """A frame of polars with a column of nothing says more of that column than Arrow lets it, and
    is not understood. As text, nothing is nothing, too.
    """
    polars = sys.modules.get("polars")
    if polars is None or not isinstance(source, polars.DataFrame):
        return source
    nothing = [name for name, kind in source.schema.items() if kind == polars.Null]
    return source.with_columns(polars.col(nothing).cast(polars.String)) if nothing else source


def to_polars(stream: ArrowStream) -> polars.DataFrame:
    """The rows as a polars `DataFrame`."""
    # Not `from_arrow`: in early versions that wants pyarrow, and from polars 2 on it makes one
    # column of structs.
    frame: polars.DataFrame = _module("polars").DataFrame(stream)
    return frame


def to_pandas(stream: ArrowStream) -> pandas.DataFrame:
    """The rows as a pandas `DataFrame`, with the help of pyarrow."""
    _module("pandas")
    frame: pandas.DataFrame = _module("pyarrow").table(stream).to_pandas()
    return frame


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{name} is not installed: pip install {name}") from error
