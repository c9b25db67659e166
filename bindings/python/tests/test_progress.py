"""The progress of a run: what it says, where it is shown, and that it never hurts."""

from __future__ import annotations

import importlib.util
import io
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from made_up import status

from kesspay import bars, progress
from kesspay.bars import (
    ASCII_BLOCKS,
    Lines,
    NotebookBar,
    Picture,
    TerminalBar,
    TqdmBar,
    clock,
    line,
)
from kesspay.progress import open_progress
from kesspay.wording import cells

JUNE = Picture(
    name="june",
    position=620,
    total=1_000,
    initial=0,
    elapsed=3.27,
    standing="6,200.00 USD paid, 3 failed",
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal; ``screen`` is what a person would see on it."""

    def __init__(self, encoding: str = "utf-8", tty: bool = True) -> None:
        super().__init__()
        self._encoding = encoding
        self._tty = tty

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._tty

    def fileno(self) -> int:
        raise OSError("no such thing")

    @property
    def screen(self) -> list[str]:
        lines = [""]
        for part in self.getvalue().replace("\r", "\0\r").replace("\n", "\0\n").split("\0"):
            if part.startswith("\n"):
                lines.append(part[1:])
            elif part.startswith("\r"):
                lines[-1] = part[1:] + lines[-1][len(part) - 1 :]
            else:
                lines[-1] += part
        return [line.rstrip() for line in lines]


def standard_error(monkeypatch: pytest.MonkeyPatch, stream: Terminal | None) -> None:
    """Puts a stream where the package looks for standard error. pytest has its hands on the real
    one, and takes it back between a fixture and its test.
    """
    seen = types.SimpleNamespace(stderr=stream, modules=sys.modules)
    monkeypatch.setattr(progress, "sys", seen)
    monkeypatch.setattr(bars, "sys", seen)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def hands(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setenv("COLUMNS", "120")
    return clock


@pytest.fixture
def without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    hidden = ("tqdm", "ipywidgets")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in hidden else found(name)
    )


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, without_tqdm: None) -> Iterator[Terminal]:
    stream = Terminal()
    standard_error(monkeypatch, stream)
    yield stream


def test_the_bar_looks_like_that_of_tqdm() -> None:
    told = "620/1000 [00:03<00:02, 189.60rows/s, 6,200.00 USD paid, 3 failed]"
    assert line(JUNE, 120) == f"june:  62%|██████████████▉         | {told}"
    assert line(JUNE, 88) == f"june:  62%|██████▏   | {told}"
    assert line(JUNE, 88, ASCII_BLOCKS) == f"june:  62%|######2   | {told}"
    assert line(JUNE, 10_000, "") == f"june:  62% {told}"


@pytest.mark.parametrize("room", [0, 1, 7, 12, 40, 79, 200])
@pytest.mark.parametrize("name", ["june", "ប្រាក់បៀវត្សខែមិថុនា ២០២៦", "六月" * 30, ""])
@pytest.mark.parametrize("position", [0, 1, 999, 1_000])
def test_the_bar_never_wraps(room: int, name: str, position: int) -> None:
    picture = Picture(name, position, 1_000, 0, 1.0, "6,200.00 USD paid, 3 failed")
    assert cells(line(picture, room)) <= room


@pytest.mark.parametrize(
    ("position", "total", "bar"),
    [
        (0, 1_000, "0%|                        |"),
        (999, 1_000, "99%|███████████████████████▉|"),
        (1_000, 1_000, "100%|████████████████████████|"),
        (0, 0, "100%|████████████████████████|"),
    ],
)
def test_only_what_is_done_is_a_hundred_percent(position: int, total: int, bar: str) -> None:
    assert bar in line(Picture("june", position, total, 0, 0.0, ""), 100)


def test_times_and_speed_are_those_of_this_run() -> None:
    resumed = Picture("june", 510, 1_000, 500, 5.0, "")
    assert resumed.measured() == "00:05<04:05, 2.00rows/s"
    assert Picture("june", 500, 1_000, 500, 5.0, "").measured() == "00:05<?, ?rows/s"
    assert [clock(it) for it in (0.0, 59.9, 61, 3_723)] == ["00:00", "00:59", "01:01", "1:02:03"]


def test_a_terminal_shows_one_line_over_and_over(terminal: Terminal, hands: Clock) -> None:
    with open_progress() as shown:
        shown.update(status({"pending": 4}))
        hands.now += 1
        shown.update(status({"paid": 2, "pending": 2}))
        shown.note("row 3, P-3: enter the OTP")
        hands.now += 1
        shown.update(status({"paid": 3, "awaiting_otp": 1}))
    assert terminal.screen == [
        "row 3, P-3: enter the OTP",
        "june: 100%|████████████████████████| 4/4 [00:02<00:00, 2.00rows/s, 30.00 USD paid, "
        "1 waiting for an OTP]",
        "",
    ]


def test_a_shorter_line_leaves_nothing_of_a_longer_one(terminal: Terminal, hands: Clock) -> None:
    with open_progress() as shown:
        shown.update(status({"in_doubt": 4}))
        hands.now += 1
        shown.update(status({"paid": 4}))
    assert terminal.screen[0].endswith("40.00 USD paid]")


def test_updates_that_come_too_often_are_left_out_but_not_the_last(
    terminal: Terminal, hands: Clock
) -> None:
    with open_progress() as shown:
        for paid in range(1_000):
            hands.now += 0.001
            shown.update(status({"paid": paid, "pending": 1_000 - paid}))
        hands.now += 0.001
        shown.update(status({"paid": 1_000}))
    assert terminal.getvalue().count("\r") < 30
    assert "1000/1000" in terminal.screen[0]


def test_a_dry_run_moves_by_what_is_verified(terminal: Terminal) -> None:
    with open_progress() as shown:
        shown.update(status({"pending": 9, "invalid": 1}, dry_run=True), verified=4)
    assert "5/10" in terminal.screen[0]


def test_a_terminal_without_blocks_gets_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal("latin-1")
    bar = TerminalBar(stream)
    bar.show(Picture("ប្រាក់", 1, 2, 0, 1.0, ""))
    bar.close()
    stream.getvalue().encode("latin-1")
    assert "??????:  50%|############            |" in stream.screen[0]


@pytest.mark.parametrize("columns", ["20", "0", "many"])
def test_the_width_is_that_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: str, terminal: Terminal
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with open_progress() as shown:
        shown.update(status({"paid": 3, "held": 1}))
    assert len(terminal.screen[0]) <= (19 if columns == "20" else 79)


def test_nothing_from_a_file_steers_the_terminal(terminal: Terminal) -> None:
    with open_progress() as shown:
        shown.note("row 1, \x1b[2J\r\n\u202eP-1\x9b: failed")
        shown.update(status({"paid": 1}, batch="ju\x1b[31mne"))
    shown_text = terminal.getvalue()
    assert not {"\x1b", "\x9b", "\u202e"} & set(shown_text)
    assert terminal.screen[0].startswith("row 1,")


def test_elsewhere_nothing_is_shown_unless_one_insists(
    monkeypatch: pytest.MonkeyPatch, hands: Clock, without_tqdm: None
) -> None:
    stream = Terminal(tty=False)
    standard_error(monkeypatch, stream)
    for choice in (None, False):
        with open_progress(choice) as shown:
            shown.update(status({"paid": 1}))
            shown.note("something")
    assert stream.getvalue() == ""
    with open_progress(True) as shown:
        for paid in range(33):
            shown.update(status({"paid": paid, "pending": 1_199 - paid, "failed": 1}))
            hands.now += 0.125
    assert stream.screen == [
        "1 of 1,200 rows, 0.00 USD paid, 1 failed",
        "17 of 1,200 rows, 160.00 USD paid, 1 failed",
        "33 of 1,200 rows, 320.00 USD paid, 1 failed",
        "",
    ]


def test_false_shows_nothing_on_a_terminal(terminal: Terminal) -> None:
    with open_progress(False) as shown:
        shown.update(status({"paid": 1}))
    assert terminal.getvalue() == ""


class Broken:
    """A display that fails at whatever it is told to fail at."""

    def __init__(self, at: str, error: BaseException) -> None:
        self._at = at
        self._error = error
        self.calls: list[str] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self._at:
            raise self._error

    def show(self, picture: Picture) -> None:
        self._call("show")

    def note(self, text: str) -> None:
        self._call("note")

    def close(self) -> None:
        self._call("close")


@pytest.mark.parametrize("at", ["show", "note", "close"])
@pytest.mark.parametrize("error", [OSError("gone"), ValueError("closed"), RecursionError()])
def test_a_display_that_fails_is_switched_off(at: str, error: Exception) -> None:
    broken = Broken(at, error)
    with progress.Progress(broken, 0.0) as shown:
        shown.update(status({"paid": 1}))
        shown.note("x")
        shown.update(status({"paid": 1}))
    shown.close()
    assert broken.calls.count(at) == 1


def test_a_status_that_makes_no_sense_hurts_nobody(terminal: Terminal) -> None:
    nonsense: Any = object()
    with open_progress() as shown:
        shown.update(nonsense)
        shown.update(status({"paid": 1}))
    assert terminal.getvalue() == ""


def test_an_interrupt_passes_through() -> None:
    shown = progress.Progress(Broken("show", KeyboardInterrupt()), 0.0)
    with pytest.raises(KeyboardInterrupt), shown:
        shown.update(status({"paid": 1}))


def test_an_error_of_the_run_is_not_hidden(terminal: Terminal) -> None:
    with pytest.raises(ZeroDivisionError), open_progress():
        raise ZeroDivisionError
    assert terminal.getvalue() == "", "nothing was drawn, so there is no line to end"


@pytest.mark.parametrize("stream", [None, "closed", "shut while running"])
def test_a_standard_error_that_is_gone_hurts_nobody(
    monkeypatch: pytest.MonkeyPatch, stream: str | None, without_tqdm: None
) -> None:
    gone = None if stream is None else Terminal()
    standard_error(monkeypatch, gone)
    if stream == "closed" and gone is not None:
        gone.close()
    with open_progress() as shown:
        if gone is not None:
            gone.close()
        shown.update(status({"paid": 1}))
        shown.note("x")


class Handle:
    """What IPython's ``display`` gives back."""

    def __init__(self) -> None:
        self.bundles: list[dict[str, str]] = []

    def update(self, bundle: dict[str, str], raw: bool) -> None:
        assert raw
        self.bundles.append(bundle)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch, without_tqdm: None) -> Handle:
    """A kernel, as far as the progress of a run looks at it."""
    handle = Handle()

    def display(bundle: dict[str, str], raw: bool, display_id: bool) -> Handle:
        assert display_id
        handle.update(bundle, raw)
        return handle

    shell = type("Shell", (type("ZMQInteractiveShell", (), {}),), {})()
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    shown = types.ModuleType("IPython.display")
    shown.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    standard_error(monkeypatch, Terminal(tty=False))
    return handle


def test_a_notebook_gets_a_bar_that_replaces_itself(notebook: Handle, hands: Clock) -> None:
    with open_progress() as shown:
        shown.update(status({"paid": 1, "pending": 3}, batch="<june>"))
        shown.note("row 2, <P-2>: enter the OTP: https://gateway.example/otp/bearer")
        hands.now += 1
        shown.update(status({"paid": 4}, batch="<june>"))
    last = notebook.bundles[-1]
    assert '<progress value="4" max="4"' in last["text/html"]
    assert "&lt;june&gt;: 100%" in last["text/html"]
    assert "row 2, &lt;P-2&gt;: enter the OTP: [link]" in last["text/html"]
    assert "bearer" not in str(notebook.bundles)
    assert last["text/plain"].endswith("<june>: 100% 4/4 [00:01<00:00, 3.00rows/s, 40.00 USD paid]")


def test_a_notebook_keeps_the_last_notes_only(notebook: Handle) -> None:
    with open_progress() as shown:
        for number in range(100):
            shown.note(f"row {number}")
    kept = [line for line in notebook.bundles[-1]["text/plain"].splitlines() if line]
    assert kept == [f"row {number}" for number in range(95, 100)]


def test_a_terminal_of_ipython_is_a_terminal(
    monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    ipython = types.ModuleType("IPython")
    shell = type("TerminalInteractiveShell", (), {})()
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    with open_progress() as shown:
        shown.update(status({"paid": 1}))
    assert "1/1" in terminal.screen[0]


def test_tqdm_is_used_where_it_is_installed(monkeypatch: pytest.MonkeyPatch, hands: Clock) -> None:
    pytest.importorskip("tqdm")
    stream = Terminal()
    standard_error(monkeypatch, stream)
    with open_progress() as shown:
        shown.update(status({"paid": 500, "pending": 500}))
        shown.note("row 3, P-3: failed")
        hands.now += 1
        shown.update(status({"paid": 620, "failed": 3, "pending": 377}))
    assert stream.screen[0] == "row 3, P-3: failed"
    assert stream.screen[1].startswith("june:  62%|")
    assert "| 623/1000 [" in stream.screen[1]
    assert stream.screen[1].endswith("rows/s, 6,200.00 USD paid, 3 failed]")


def test_what_is_chosen_where(
    monkeypatch: pytest.MonkeyPatch, notebook: Handle, terminal: Terminal
) -> None:
    def chosen(insist: bool = False) -> type:
        return type(progress._display(insist))

    assert chosen() is NotebookBar
    monkeypatch.setattr(progress, "_in_notebook", lambda: False)
    assert chosen() is TerminalBar
    standard_error(monkeypatch, Terminal(tty=False))
    assert chosen() is type(None)
    assert chosen(insist=True) is Lines
    pytest.importorskip("tqdm")
    monkeypatch.setattr(progress, "_has", lambda module: True)
    standard_error(monkeypatch, terminal)
    assert chosen() is TqdmBar
