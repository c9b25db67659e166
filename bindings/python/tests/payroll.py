"""Batches that were made up, and what a test does with them: files, a sandbox elsewhere, the command."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

import kesspay
from conftest import path_of_tests

Row = dict[str, Any]

BRIEF = {"first": "5ms", "longest": "20ms"}

POLICY: dict[str, Any] = {
    "settle": "100ms",
    "not_found_gap": "10ms",
    "doubt": BRIEF,
    "processing": BRIEF,
    "otp": BRIEF,
    "retry": BRIEF,
    "circuit": BRIEF,
    "retry_after": "5ms",
    "outage_after": "2s",
}
"""Pauses so short that a test does not wait for them."""

# What a proxy is set for is the world outside.
BROWSER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def row(number: int, ending: str = "1234", **more: Any) -> Row:
    """A row that is in order, to an account with these last digits."""
    made: Row = {
        "reference": f"P-{number:04d}",
        "first_name": "Dara",
        "last_name": "Sok",
        "phone_number": "012345678",
        "email": f"dara.{number}@example.com",
        "bank_account_number": f"00{number:04d}{ending}",
        "bic": "ABAAKHPP",
        "amount": Decimal(number) + Decimal(number % 100) / 100,
        "currency": "USD",
    }
    return {**made, **more}


def rows(count: int, ending: str = "1234", **more: Any) -> list[Row]:
    return [row(number, ending, **more) for number in range(1, count + 1)]


def total(people: Iterable[Row]) -> Decimal:
    return sum((Decimal(person["amount"]) for person in people), Decimal(0))


def write(path: Path, people: list[Row]) -> Path:
    """A batch file of these rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, people[0])
        out.writeheader()
        out.writerows(people)
    return path


def counts(status: kesspay.Status) -> dict[str, int]:
    """How many rows have each outcome, those with none left out."""
    return {str(outcome): count for outcome, count in status.counts.items() if count}


def outcomes(report: kesspay.Report) -> dict[str, str]:
    return {row.reference: str(row.outcome) for row in report}


def confirm(url: str | None) -> None:
    """Enters the one-time password that the sandbox's page shows."""
    assert url is not None
    with BROWSER.open(url) as page:
        code = re.search(r'id="sandbox-code">(\d+)<', page.read().decode())
    assert code is not None
    with BROWSER.open(url, data=urllib.parse.urlencode({"code": code[1]}).encode()) as page:
        assert "Confirmed" in page.read().decode()


def each_paid_once(sandbox: kesspay.Sandbox | Far, report: kesspay.Report) -> None:
    """Every row of the report against the gateway's own books, as they are by now."""
    booked = sandbox.booked() if isinstance(sandbox, Far) else sandbox.ledger().rows
    by_number = {row.out_trade_no: row for row in report}
    assert len(by_number) == len(report), "an order number stands twice"
    assert len(booked) == len(report), "an order for each row, and no other"
    for row in report:
        assert row.outcome == "paid", row
    for booking in booked:
        one = by_number[booking.out_trade_no]
        assert booking.times_booked == 1, booking
        assert booking.moved == one.amount, booking


def until(holds: Callable[[], bool], patience: float = 30) -> None:
    """Looks until something holds; fails where that takes too long."""
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


class Booking:
    """A row of a ledger that came as JSON."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.out_trade_no: str = row["out_trade_no"]
        self.status: str = row["status"]
        self.times_booked: int = row["times_booked"]
        self.moved = Decimal(row["moved"])


class Far:
    """A sandbox in a process of its own, so that it outlives whoever is killed."""

    def __init__(self, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kesspay", "sandbox", "--json", *args],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path_of_tests()},
        )
        assert self.process.stdout is not None
        given = json.loads(self.process.stdout.readline())
        self.environment: dict[str, str] = {
            name: value for name, value in given.items() if name.startswith("KESS_")
        }
        self._earlier: set[str] = set()

    def client(self, **options: Any) -> kesspay.Client:
        given = {name[5:].lower(): value for name, value in self.environment.items()}
        given["api_secret"] = given.pop("api_secret_key")
        return kesspay.Client(**{**given, **options})

    def anew(self) -> None:
        """A good day, on which nothing was booked yet."""
        self.faults(clear=True)
        self._earlier |= {booking.out_trade_no for booking in self.booked()}

    def booked(self) -> list[Booking]:
        with BROWSER.open(f"{self.environment['KESS_BASE_URL']}/sandbox/ledger") as answer:
            booked = [Booking(row) for row in json.load(answer)["rows"]]
        return [booking for booking in booked if booking.out_trade_no not in self._earlier]

    def faults(self, *rules: Mapping[str, Any], clear: bool = False) -> None:
        """Adds faults; clears the old ones first where that is asked for."""
        url = f"{self.environment['KESS_BASE_URL']}/sandbox/faults"
        body = json.dumps({"clear": clear, "rules": list(rules)}).encode()
        with BROWSER.open(urllib.request.Request(url, data=body)) as answer:
            assert answer.status == 200

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Far:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def command(
    *args: str | Path, cwd: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`python -m kesspay`, run to its end, in the environment of nobody."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("KESS_")}
    return subprocess.run(
        [sys.executable, "-m", "kesspay", *map(str, args)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        env={**ours, **(environment or {}), "PYTHONPATH": path_of_tests()},
        stdin=subprocess.DEVNULL,
    )


def by_outcome(people: Iterable[kesspay.ReportRow]) -> Counter[str]:
    return Counter(str(row.outcome) for row in people)
