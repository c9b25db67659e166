"""Progress of a run for people: a bar in a notebook or on a terminal, lines where one insists.

Where tqdm is installed the bar is tqdm's; otherwise it is one of ours in the same look. It only
shows what :class:`~kesspay.Status` tells, with the words of the ``payout`` command.

Invariant: nothing here ever raises into a payroll. A display that fails, because a terminal went
away or a notebook's front end is an odd one, is switched off, and the run goes on. Only what asks
the run itself to end, such as a ``KeyboardInterrupt``, passes through.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from kesspay.bars import Lines, NotebookBar, Picture, TerminalBar, TqdmBar
from kesspay.wording import one_line, settled, standing

if TYPE_CHECKING:
    from kesspay.bars import Display
    from kesspay.batch import Status

__all__ = ["Progress", "open_progress"]

BETWEEN_DRAWS = 0.05
"""Seconds between two pictures of a bar; runs are looked at ten times a second."""

BETWEEN_LINES = 2.0
"""Seconds between two lines, where there is no bar."""


class Progress:
    """A display of a run, as a context manager. Made by :func:`open_progress`."""

    def __init__(self, display: Display | None, between: float, total: int | None = None) -> None:
        self._display = display
        self._between = between
        self._total = total
        self._picture: Picture | None = None
        self._began: tuple[float, int] | None = None
        self._shown_at: float | None = None

    def update(self, status: Status, verified: int = 0) -> None:
        """Shows the batch as it stands; cheap enough to be called at any time.

        Args:
            status: The batch in numbers.
            verified: Rows that a dry run has verified so far: they stay as they were.
        """
        if self._display is None:
            return
        try:
            now = time.monotonic()
            position = min(status.rows, settled(status) + verified)
            if self._began is None:
                # What was settled before this run says nothing about its speed.
                self._began = (now, position)
            since, initial = self._began
            self._picture = Picture(
                name=one_line(status.batch),
                position=position,
                total=status.rows if self._total is None else self._total,
                initial=min(initial, position),
                elapsed=now - since,
                standing=one_line(standing(status)),
            )
            if self._shown_at is None or now - self._shown_at >= self._between:
                self._shown_at = now
                self._display.show(self._picture)
                self._picture = None
        except Exception:
            self._display = None

    def note(self, text: str) -> None:
        """Shows a line above the bar, such as that somebody has to enter a password."""
        if self._display is None:
            return
        try:
            self._display.note(one_line(text))
        except Exception:
            self._display = None

    def close(self) -> None:
        """Shows the run as it stood last, and leaves that where it is. Once is enough."""
        display, self._display = self._display, None
        if display is None:
            return
        # No display is worth a payroll, and there is nobody to tell.
        with suppress(Exception):
            if self._picture is not None:
                display.show(self._picture)
        with suppress(Exception):
            display.close()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_progress(progress: bool | None = None, total: int | None = None) -> Progress:
    """A display for a run.

    Args:
        progress: ``None`` shows a bar in a notebook and on a terminal, and nothing elsewhere;
            ``True`` insists, with lines where a bar makes no sense; ``False`` shows nothing.
        total: Rows of the run, where they are other than the batch's.
    """
    if progress is False:
        return Progress(None, BETWEEN_DRAWS)
    try:
        display = _display(bool(progress))
    except Exception:
        display = None
    between = BETWEEN_LINES if isinstance(display, Lines) else BETWEEN_DRAWS
    return Progress(display, between, total)


def _display(insist: bool) -> Display | None:
    if _in_notebook():
        if _has("tqdm") and _has("ipywidgets"):
            return TqdmBar(notebook=True)
        return NotebookBar()
    stream: TextIO | None = sys.stderr
    if stream is None:
        return None
    if stream.isatty():
        return TqdmBar(notebook=False) if _has("tqdm") else TerminalBar(stream)
    return Lines(stream) if insist else None


def _in_notebook() -> bool:
    """Whether this runs in a kernel that shows HTML; a terminal's IPython does not."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__)


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
