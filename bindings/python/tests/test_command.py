"""`python -m kesspay`: the `payout` command, with its exit codes and its manners."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import kesspay
import pytest
from conftest import path_of_tests
from payroll import Far, command, row, rows, until, write


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Far]:
    with Far() as far:
        yield far


@pytest.fixture
def far(elsewhere: Far) -> Far:
    elsewhere.anew()
    return elsewhere


def test_it_is_the_payout_command(tmp_path: Path) -> None:
    told = command("--help", cwd=tmp_path)
    assert told.returncode == 0 and "Usage: payout" in told.stdout and not told.stderr
    for name in ("check", "run", "resume", "otp", "report", "reconcile", "sandbox", "doctor"):
        assert f"\n  {name} " in told.stdout
    one = command("run", "--help", cwd=tmp_path)
    assert one.returncode == 0 and "Usage: payout run" in one.stdout
    version = command("--version", cwd=tmp_path)
    assert version.returncode == 0 and version.stdout.split()[-1] == kesspay.__version__
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("people", "more", "code"),
    [
        (rows(3), (), 0),
        (rows(3), ("--expect-rows", "4"), 3),
        ([row(1), row(2, email="x")], (), 3),
        ([row(1), row(2, "0404")], (), 4),
        ([row(1), row(2, "0777")], (), 5),
        (rows(1), ("--no-such-flag",), 2),
    ],
)
def test_exit_codes(
    people: list[dict[str, object]], more: tuple[str, ...], code: int, far: Far, tmp_path: Path
) -> None:
    path = write(tmp_path / "june.csv", people)
    ended = command(
        "run", path, "--yes", "--json", *more, cwd=tmp_path, environment=far.environment
    )
    assert ended.returncode == code, ended.stderr
    if code in (0, 4, 5):
        document = json.loads(ended.stdout)
        assert document["rows"] == len(people)
        booked = [booking for booking in far.booked() if booking.status == "SUCCESS"]
        assert document["counts"]["paid"] == len(booked)
        # The package looks at what the command did.
        status = kesspay.PayoutEngine(str(tmp_path / "payout.db")).status()
        assert {str(key): count for key, count in status.counts.items()} == document["counts"]
    else:
        assert far.booked() == [] and not (tmp_path / "payout.db").exists()


def test_without_configuration_it_says_what_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "june.csv", rows(1))
    ended = command("run", path, "--yes", cwd=tmp_path)
    assert ended.returncode == 2
    for name in ("KESS_BASE_URL", "KESS_CLIENT_SECRET", "KESS_API_SECRET_KEY"):
        assert name in ended.stderr
    assert command("status", cwd=tmp_path).returncode == 2


def test_check_needs_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "june.csv", rows(2))
    assert command("check", path, cwd=tmp_path).returncode == 0
    path = write(tmp_path / "july.csv", [row(1), row(1)])
    ended = command("check", path, "--json", cwd=tmp_path)
    assert ended.returncode == 3
    assert json.loads(ended.stdout)["problems"][0]["code"] == "duplicate_reference"


def test_a_rehearsal_needs_nothing_either(tmp_path: Path) -> None:
    path = write(tmp_path / "june.csv", rows(3))
    ended = command("run", path, "--sandbox", "--yes", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_ctrl_c_drains_and_says_how_to_go_on(far: Far, tmp_path: Path) -> None:
    far.faults({"fault": "slow", "millis": 30})
    path = write(tmp_path / "june.csv", rows(40))
    process = subprocess.Popen(
        [sys.executable, "-m", "kesspay", "run", str(path), "--yes", "--batch", "june",
         "--concurrency", "3"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **far.environment, "PYTHONPATH": path_of_tests()},
    )
    until(lambda: len(far.booked()) >= 5 or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    out, stderr = process.communicate(timeout=20)
    assert process.returncode == 130 and "payout resume june" in out, stderr
    assert "Traceback" not in stderr
    far.faults(clear=True)
    ended = command("resume", "june", cwd=tmp_path, environment=far.environment)
    assert ended.returncode == 0, ended.stderr
    assert len(far.booked()) == 40


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    shell = f"{sys.executable} -m kesspay --help | head -1"
    ran = subprocess.run(
        shell, shell=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": path_of_tests()}, cwd=tmp_path,
    )
    assert ran.returncode == 0 and "panicked" not in ran.stderr and "Traceback" not in ran.stderr
