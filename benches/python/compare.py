"""Compares the Python binding with the Rust crates beneath it, and with a script that does without.

    compare.py KESS_BENCH FOLDER [--quick] [PART ...]      PART: calls, batch, peers

All measurements talk to one bare gateway in a process of its own (`kess-bench stub`, no latency).
Each is a process; those that are compared run one after the other, round after round, in an order
that turns. A ratio is the median of the rounds' own ratios, so what else the machine does counts
little: trust the ratios, not the figures. Where a table's first row runs twice a round, how far
the second one is from 1.00 is what the noise does. Processor time is that of the measured process
with all its threads, without the gateway's; the noise hardly touches it.

Prints tables and writes `python.json` into FOLDER. It is no test: a row that misses its target says
so, and nothing fails.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import pty
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
TARGET = 0.95
"""What is wanted of the binding: this much of the engine's own throughput."""

HEADING = (
    "reference,first_name,last_name,phone_number,email,bank_account_number,bic,amount,currency,body"
)


@dataclass
class Measured:
    """Something that is measured in every round."""

    name: str
    count: int
    """Calls or rows."""
    command: list[str]
    target: float | None = None
    """The least ratio to the first of its table that is wanted."""
    on_terminal: bool = False
    """Whether its stderr is a terminal, so that it shows a bar."""
    rates: list[float] = field(default_factory=list)
    """Calls or rows a second, by round."""
    costs: list[float] = field(default_factory=list)
    """Microseconds of processor time for each, by round."""

    @property
    def microseconds(self) -> float:
        return 1e6 / median(self.rates)

    def ratio_to(self, first: Measured) -> float:
        return median(mine / its for mine, its in zip(self.rates, first.rates, strict=True))

    @property
    def cost(self) -> float:
        return median(self.costs)

    def spread(self, first: Measured) -> tuple[float, float]:
        ratios = [mine / its for mine, its in zip(self.rates, first.rates, strict=True)]
        return min(ratios), max(ratios)


class Bench:
    """Programs, and how often they run."""

    def __init__(self, kess_bench: str, quick: bool, scratch: Path) -> None:
        self.rust = [kess_bench]
        self.python = [sys.executable, str(HERE / "measure.py")]
        self.peer = [sys.executable, str(HERE.parent / "peers" / "aiohttp_payouts.py")]
        self.rounds = 1 if quick else 5
        self.calls = 640 if quick else 12_800
        self.rows = 500 if quick else 10_000
        self.peer_rows = 200 if quick else 2_000
        self.scratch = scratch
        self.environment = dict(os.environ)

    @contextmanager
    def gateway(self) -> Iterator[None]:
        """A bare gateway, that everything which runs meanwhile is configured for."""
        pipe = subprocess.PIPE
        with subprocess.Popen([*self.rust, "stub"], stdin=pipe, stdout=pipe) as stub:
            assert stub.stdout is not None
            self.environment |= json.loads(stub.stdout.readline())
            # Leaving closes its stdin, which ends it.
            yield

    def run(self, measured: Measured) -> None:
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            command = [word.replace("STORE", f"{folder}/store.db") for word in measured.command]
            output = self.output(command, measured.on_terminal)
        result = json.loads(output)
        done, count = result["done"], measured.count
        assert done == count, f"{measured.name}: {done} of {count} were done"
        measured.rates.append(count * 1e9 / result["nanoseconds"])
        measured.costs.append(result["processor_nanoseconds"] / 1e3 / count)

    def output(self, command: list[str], on_terminal: bool) -> str:
        def run(stderr: int | None) -> str:
            pipe, known = subprocess.PIPE, self.environment
            done = subprocess.run(command, env=known, stdout=pipe, stderr=stderr, check=True)
            return done.stdout.decode()

        if not on_terminal:
            return run(None)
        ours, theirs = pty.openpty()
        reader = threading.Thread(target=drain, args=(ours,))
        reader.start()
        try:
            return run(theirs)
        finally:
            os.close(theirs)
            reader.join()

    def compare(self, table: list[Measured]) -> None:
        """Measures all of a table, round after round, in an order that turns."""
        for turn in range(self.rounds):
            first = turn % len(table)
            for measured in table[first:] + table[:first]:
                self.run(measured)
                print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    def people(self, rows: int) -> str:
        """A file of people to pay, the same each time."""
        dice = random.Random(rows)
        path = self.scratch / f"{rows}.csv"
        lines = [HEADING]
        for row in range(1, rows + 1):
            number, cents = dice.randrange(10**9), dice.randrange(1_000, 99_999)
            lines.append(
                f"SAL-{row:06},Sok,Dara,{row % 10**9:09},sok.dara.{row}@example.com,"
                f"{number:09},ABAAKHPP,{cents // 100}.{cents % 100:02},USD,Salary of July"
            )
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)


def drain(terminal: int) -> None:
    """Reads what a terminal is sent, until nobody is there to send."""
    try:
        while os.read(terminal, 65_536):
            pass
    except OSError:
        pass
    os.close(terminal)


Tables = dict[str, list[Measured]]


def calls(bench: Bench) -> Tables:
    count = bench.calls
    tables = {}
    for operation in ("verify_bank_account", "query_order"):
        what = ["calls", operation, str(count)]
        rust, python = [*bench.rust, *what], [*bench.python, *what]
        tables[f"{operation}, one after the other"] = [
            Measured("Rust client", count, [*rust, "1"]),
            Measured("Rust client, again", count, [*rust, "1"]),
            Measured("Client", count, [*python, "sync"]),
            Measured("AsyncClient", count, [*python, "async"]),
        ]
        tables[f"{operation}, 64 in flight"] = [
            Measured("Rust client", count, [*rust, "64"]),
            Measured("AsyncClient", count, [*python, "async-64"]),
        ]
    return tables


def batch(bench: Bench) -> Tables:
    rows = bench.rows
    file = bench.people(rows)
    rust = [*bench.rust, "batch", file, "sqlite://STORE"]

    def ours(source: str, watched: str) -> list[str]:
        return [*bench.python, "batch", file, "sqlite://STORE", source, watched]

    table = [
        Measured("Rust engine, CSV", rows, rust),
        Measured("Rust engine, again", rows, rust),
        Measured("run(csv, progress=False)", rows, ours("csv", "quiet"), TARGET),
        Measured("run(pandas frame)", rows, ours("pandas", "quiet"), TARGET),
        Measured("run(pyarrow table)", rows, ours("pyarrow", "quiet"), TARGET),
        Measured("run(csv), with its bar", rows, ours("csv", "bar"), TARGET, on_terminal=True),
        Measured("start(csv), every event read", rows, ours("csv", "events")),
    ]
    return {f"a batch of {rows:,} rows": table}


def peers(bench: Bench) -> Tables:
    rows = bench.peer_rows
    file = bench.people(rows)
    ours = [*bench.python, "batch", file, "sqlite://STORE", "csv", "quiet"]
    table = [
        Measured("run(csv, progress=False)", rows, ours),
        Measured("run(csv, progress=False), again", rows, ours),
        Measured("aiohttp, sqlite3, a commit a row", rows, [*bench.peer, file, "STORE", "row"]),
        Measured("aiohttp, sqlite3, group commit", rows, [*bench.peer, file, "STORE", "group"]),
    ]
    return {f"peers, {rows:,} rows": table}


PARTS = {"calls": calls, "batch": batch, "peers": peers}


def show(title: str, table: list[Measured], unit: str) -> list[dict[str, Any]]:
    """Prints a table, and returns it for machines."""
    first = table[0]
    columns = (f"{unit}/s", "µs each", "adds µs", "ratio", "from..to", "processor µs", "adds µs")
    widths = [max(len(column), 9) + 2 for column in columns]
    line = "".join(f"{column:>{width}}" for column, width in zip(columns, widths, strict=True))
    print(f"\n{title:<36}{line}")
    rows = []
    for measured in table:
        ratio, (low, high) = measured.ratio_to(first), measured.spread(first)
        rate, each = median(measured.rates), measured.microseconds
        adds = "" if measured is first else f"{each - first.microseconds:+.1f}"
        more = "" if measured is first else f"{measured.cost - first.cost:+.1f}"
        met = None if measured.target is None else ratio >= measured.target
        says = {None: "", True: f"at least {measured.target}: met"}
        cells = (
            f"{rate:,.0f}",
            f"{each:.1f}",
            adds,
            f"{ratio:.2f}",
            f"{low:.2f}..{high:.2f}",
            f"{measured.cost:.1f}",
            more,
        )
        line = "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        missed = f"at least {measured.target}: MISSED"
        print(f"{measured.name:<36}{line}  {says.get(met, missed)}".rstrip())
        rows.append(
            {
                "name": measured.name,
                f"{unit}_per_second": rate,
                "microseconds_each": each,
                "processor_microseconds_each": measured.cost,
                "ratio": ratio,
                "ratio_lowest": low,
                "ratio_highest": high,
                "target": measured.target,
                "met": met,
                "rounds": measured.rates,
            }
        )
    return rows


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("kess_bench")
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("parts", nargs="*")
    given = arguments.parse_intermixed_args()
    if unknown := set(given.parts) - set(PARTS):
        arguments.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    given.folder.mkdir(parents=True, exist_ok=True)

    tables: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        bench = Bench(given.kess_bench, given.quick, Path(scratch))
        with bench.gateway():
            for part in given.parts or PARTS:
                for title, table in PARTS[part](bench).items():
                    bench.compare(table)
                    tables[title] = show(title, table, "calls" if part == "calls" else "rows")
    machine = {
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    result = {"machine": machine, "rounds": bench.rounds, "tables": tables}
    (given.folder / "python.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
