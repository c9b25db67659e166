"""Pieces of HTML for notebooks: a bar in SVG, a table, and the style that both share.

The style asks for as little as it can: letters, lines and ground are the notebook's own
(``currentColor``, half transparent grey), so light and dark need no rule of their own. Where a
viewer throws style and SVG away, as some do with a notebook that is not trusted, the table is left,
and says everything that the bar says.

Invariant: whatever comes in as text goes out escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Bar", "Cell", "bar", "number", "page", "swatch", "table"]

# The colours of Okabe and Ito, which people tell apart with any kind of colour vision, and three
# of other lightness for outcomes that are rare. Each comes with the ink that is read on it.
_COLOURS = {
    "paid": ("#009e73", "#000"),
    "processing": ("#56b4e9", "#000"),
    "awaiting_otp": ("#f0e442", "#000"),
    "held": ("#e69f00", "#000"),
    "in_doubt": ("#cc79a7", "#000"),
    "failed": ("#d55e00", "#000"),
    "reversed": ("#0072b2", "#fff"),
    "expired": ("#7b3f00", "#fff"),
    "cancelled": ("#5f6368", "#fff"),
    "invalid": ("#b8a9c9", "#000"),
    "pending": ("#c4c7cc", "#000"),
}
_OTHER = ("#8a8d91", "#000")

_STYLE = """<style>
.kesspay{color:inherit;font-variant-numeric:tabular-nums;line-height:1.4}
.kesspay p{margin:.3em 0}
.kesspay ul{margin:.3em 0;padding-left:1.4em}
.kesspay svg{display:block;width:100%;max-width:40em;height:auto;margin:.4em 0}
.kesspay table{border-collapse:collapse;margin:.4em 0;color:inherit;background:none}
.kesspay th,.kesspay td{padding:.2em .8em .2em 0;border:0;
border-bottom:1px solid rgba(128,128,128,.4);
text-align:left;vertical-align:top;color:inherit;background:none}
.kesspay .n{text-align:right;white-space:nowrap}
.kesspay .mono{font-family:ui-monospace,monospace;white-space:nowrap}
.kesspay .sums tr:last-child td{font-weight:600}
.kesspay i{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:.15em;
outline:1px solid rgba(128,128,128,.6)}
.kesspay .o{white-space:nowrap}
</style>"""

WIDTH = 640
HEIGHT = 24
GAP = 2
LEAST = 4
"""The least width of a piece of the bar: one row of a million is seen, too."""


@dataclass(frozen=True)
class Bar:
    """A piece of a bar."""

    kind: str
    label: str
    count: int


@dataclass(frozen=True)
class Cell:
    """A cell of a table. ``kind`` is the class of its style, ``mark`` the colour before it."""

    text: str
    kind: str = ""
    mark: str = ""


def number(text: str) -> Cell:
    """A cell that is aligned right."""
    return Cell(text, "n")


def swatch(kind: str, text: str) -> Cell:
    """A cell that names a piece of the bar, with its colour."""
    return Cell(text, "o", kind)


def page(parts: Iterable[str]) -> str:
    """The parts, in one block with the style."""
    return f'<div class="kesspay">{_STYLE}{"".join(parts)}</div>'


def table(heading: Sequence[Cell], rows: Iterable[Sequence[Cell]], *, sums: bool = False) -> str:
    """A table; with ``sums``, its last line stands out."""
    head = "".join(_cell(cell, "th") for cell in heading)
    body = "".join(f"<tr>{''.join(_cell(cell, 'td') for cell in row)}</tr>" for row in rows)
    kind = ' class="sums"' if sums else ""
    return f"<table{kind}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def bar(pieces: Sequence[Bar], label: str) -> str:
    """A bar of pieces beside each other, each as wide as its share; empty ones are left out."""
    pieces = [piece for piece in pieces if piece.count > 0]
    if not pieces:
        return ""
    said = escape(f"{label}: " + ", ".join(f"{it.count:,} {it.label}" for it in pieces))
    places = zip(pieces, _places(pieces), strict=True)
    drawn = "".join(_piece(piece, *place) for piece, place in places)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{said}"><title>{said}</title>{drawn}</svg>'
    )


def _places(pieces: Sequence[Bar]) -> list[tuple[int, int]]:
    """Where each piece begins, and how wide it is, in whole units that add up to the width."""
    rows = sum(piece.count for piece in pieces)
    shared = WIDTH - GAP * (len(pieces) - 1) - LEAST * len(pieces)
    places = []
    before = 0
    start = 0
    for piece in pieces:
        share = (before + piece.count) * shared // rows - before * shared // rows
        places.append((start, LEAST + share))
        before += piece.count
        start += LEAST + share + GAP
    return places


def _piece(piece: Bar, start: int, width: int) -> str:
    fill, ink = _COLOURS.get(piece.kind, _OTHER)
    text = f"{piece.count:,}"
    drawn = (
        f'<rect x="{start}" y="0" width="{width}" height="{HEIGHT}" rx="2" fill="{fill}">'
        f"<title>{escape(piece.label)}: {text}</title></rect>"
    )
    if width >= 9 * len(text) + 8:
        drawn += (
            f'<text x="{start + width // 2}" y="{HEIGHT - 7}" text-anchor="middle" '
            f'font-family="sans-serif" font-size="14" fill="{ink}">{text}</text>'
        )
    return drawn


def _cell(cell: Cell, tag: str) -> str:
    kind = f' class="{cell.kind}"' if cell.kind else ""
    scope = ' scope="col"' if tag == "th" else ""
    mark = ""
    if cell.mark:
        colour = _COLOURS.get(cell.mark, _OTHER)[0]
        mark = f'<i style="background:{colour}"></i>'
    return f"<{tag}{scope}{kind}>{mark}{escape(cell.text)}</{tag}>"
