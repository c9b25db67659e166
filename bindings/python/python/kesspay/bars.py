"""What progress is shown on: a terminal, a notebook, lines of text, or tqdm.

Each of them may raise; :mod:`kesspay.progress` sees to it that nobody notices.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol, TextIO

from kesspay.wording import cells, counted, cut, without_links

__all__ = ["Display", "Lines", "NotebookBar", "Picture", "TerminalBar", "TqdmBar", "line"]

BLOCKS = " ▏▎▍▌▋▊▉█"
"""Pieces of the bar, each an eighth wider than the one before."""

ASCII_BLOCKS = " 123456789#"

BAR_CELLS = 24
"""The most columns of the bar itself: the sums beside it are of more interest."""

NAME_CELLS = 32
"""The most columns of the batch's name."""

NOTES_KEPT = 5
"""Lines that stay above a notebook's bar."""


@dataclass(frozen=True)
class Picture:
    """A run at one moment."""

    name: str
    position: int
    """Rows with which the run has nothing more to do."""
    total: int
    initial: int
    """The position at which the run began."""
    elapsed: float
    """Seconds since the run began."""
    standing: str
    """What was paid, and what is not as it should be."""

    @property
    def percent(self) -> int:
        """Whole percents; 100 only where really everything is done."""
        return 100 * self.position // self.total if self.total else 100

    def measured(self) -> str:
        """What tqdm writes between its brackets: times, speed, and the standing."""
        done = self.position - self.initial
        left, speed = "?", "?"
        if done > 0 and self.elapsed > 0:
            rate = done / self.elapsed
            left, speed = clock((self.total - self.position) / rate), f"{rate:.2f}"
        times = f"{clock(self.elapsed)}<{left}"
        return ", ".join(filter(None, (times, f"{speed}rows/s", self.standing)))


class Display(Protocol):
    """Something that a picture of a run can be shown on."""

    def show(self, picture: Picture) -> None:
        """Shows the run as it stands."""

    def note(self, text: str) -> None:
        """Shows a line above."""

    def close(self) -> None:
        """Leaves the last picture where it is."""


class TerminalBar:
    """A bar in one line of a terminal, drawn over and over."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._blocks = BLOCKS if _takes(stream, BLOCKS) else ASCII_BLOCKS
        self._drawn = ""

    def show(self, picture: Picture) -> None:
        """Draws the bar over the one before."""
        room = _columns(self._stream) - 1
        text = line(picture, room, self._blocks)
        rest = min(cells(self._drawn), room) - cells(text)
        self._write("\r" + text + " " * max(0, rest))
        self._drawn = text

    def note(self, text: str) -> None:
        """Writes a line where the bar was, and the bar below."""
        blank = " " * min(cells(self._drawn), _columns(self._stream) - 1)
        self._write(f"\r{blank}\r{text}\n{self._drawn}")

    def close(self) -> None:
        """Leaves the bar and goes to the next line."""
        if self._drawn:
            self._write("\n")

    def _write(self, text: str) -> None:
        _write(self._stream, text)


class Lines:
    """A line now and then, for logs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, picture: Picture) -> None:
        """Writes how the run stands."""
        done = f"{picture.position:,} of {counted(picture.total, 'row')}"
        self.note(", ".join(filter(None, (done, picture.standing))))

    def note(self, text: str) -> None:
        """Writes a line."""
        _write(self._stream, text + "\n")

    def close(self) -> None:
        """There is nothing to leave."""


class NotebookBar:
    """A bar of HTML, which needs no widgets: it is an output that replaces itself."""

    def __init__(self) -> None:
        self._display: Any = importlib.import_module("IPython.display").display
        self._handle: Any = None
        self._notes: list[str] = []
        self._picture: Picture | None = None

    def show(self, picture: Picture) -> None:
        """Replaces the bar."""
        self._picture = picture
        self._draw()

    def note(self, text: str) -> None:
        """Adds a line above, and drops the oldest where there are many."""
        self._notes = [*self._notes, without_links(text)][-NOTES_KEPT:]
        self._draw()

    def close(self) -> None:
        """The last picture stays, also in the saved notebook."""

    def _draw(self) -> None:
        picture = self._picture
        told = "" if picture is None else line(picture, 10_000, "")
        bundle = {
            "text/plain": "\n".join([*self._notes, told]),
            "text/html": "".join([*map(_noted, self._notes), _progress(picture)]),
        }
        if self._handle is None:
            self._handle = self._display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


class TqdmBar:
    """tqdm's own bar, for whoever has tqdm."""

    def __init__(self, *, notebook: bool) -> None:
        self._tqdm: Any = importlib.import_module("tqdm.auto").tqdm
        self._notebook = notebook
        self._bar: Any = None

    def show(self, picture: Picture) -> None:
        """Moves the bar; the first picture makes it."""
        if self._bar is None:
            self._bar = self._tqdm(
                desc=cut(picture.name, NAME_CELLS),
                total=picture.total,
                initial=picture.initial,
                unit="rows",
                dynamic_ncols=True,
                file=sys.stderr,
            )
        self._bar.n = picture.position
        self._bar.total = picture.total
        self._bar.set_postfix_str(picture.standing, refresh=False)
        self._bar.refresh()

    def note(self, text: str) -> None:
        """Writes a line where tqdm has its lines, with the bar out of the way."""
        if self._notebook:
            self._tqdm.write(without_links(text))
        else:
            self._tqdm.write(text, file=sys.stderr)

    def close(self) -> None:
        """Ends the bar and leaves it."""
        if self._bar is not None:
            self._bar.close()


def line(picture: Picture, room: int, blocks: str = BLOCKS) -> str:
    """The bar as a line of text that takes at most ``room`` columns. Without ``blocks`` it is told
    in words alone.
    """
    before = f"{cut(picture.name, NAME_CELLS)}: {picture.percent:3}%"
    after = f"{picture.position}/{picture.total} [{picture.measured()}]"
    if not blocks:
        return f"{before} {after}"
    width = max(4, min(BAR_CELLS, room - cells(before) - cells(after) - 3))
    drawn = _drawn(picture, width, blocks)
    return cut(f"{before}|{drawn}| {after}", max(0, room))


def clock(seconds: float) -> str:
    """A time as tqdm writes it: ``00:07``, ``1:02:03``."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute:02}:{second:02}"


def _drawn(picture: Picture, width: int, blocks: str) -> str:
    steps = len(blocks) - 1
    total = max(1, picture.total)
    filled = width * steps if not picture.total else width * steps * picture.position // total
    full, part = divmod(min(filled, width * steps), steps)
    return (blocks[-1] * full + (blocks[part] if part else "")).ljust(width)


def _noted(text: str) -> str:
    return f"<div>{escape(text)}</div>"


def _progress(picture: Picture | None) -> str:
    if picture is None:
        return ""
    label = escape(f"{picture.name}: {picture.percent}%")
    after = escape(f"{picture.position}/{picture.total} [{picture.measured()}]")
    return (
        '<div style="font-variant-numeric:tabular-nums">'
        f'{label} <progress value="{picture.position}" max="{max(1, picture.total)}" '
        f'style="width:16em;max-width:100%;vertical-align:middle;accent-color:#009e73" '
        f'aria-label="{label}"></progress> {after}</div>'
    )


def _write(stream: TextIO, text: str) -> None:
    """Writes what the stream's encoding has, and question marks for the rest."""
    encoding = stream.encoding or "ascii"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


def _takes(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _columns(stream: TextIO) -> int:
    """Columns of the terminal, which may be made wider or narrower at any time."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80
