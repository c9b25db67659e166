"""Batches, from a frame to the books: what is paid, what is refused, what is decided."""

from __future__ import annotations

import dataclasses
import json
import pickle
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import kesspay
import pandas
import polars
import pyarrow
import pytest
from kesspay import BatchState, Outcome
from payroll import (
    POLICY,
    command,
    confirm,
    counts,
    each_paid_once,
    outcomes,
    row,
    rows,
    total,
    write,
)

Python = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def engine(kess_sandbox: kesspay.Sandbox, tmp_path: Path) -> kesspay.PayoutEngine:
    return kesspay.PayoutEngine(
        f"sqlite://{tmp_path / 'payout.db'}", kess_sandbox.client(), policy=POLICY
    )


def test_a_thousand_rows_of_a_frame(
    engine: kesspay.PayoutEngine, kess_sandbox: kesspay.Sandbox, tmp_path: Path
) -> None:
    people = rows(1000, department="Sewing")
    frame = pandas.DataFrame(people)
    kess_sandbox.add_accounts(frame)
    report = engine.run(
        frame, batch="june", expect_rows=1000, expect_total={"USD": total(people)}, route="direct"
    )
    assert report.status.is_paid and report.status.state == BatchState.FINISHED
    each_paid_once(kess_sandbox, report)
    moved = kess_sandbox.ledger().moved("USD")
    assert moved == total(people) == report.status.totals["USD"].paid

    of_pandas, of_polars, of_arrow = report.to_pandas(), report.to_polars(), pyarrow.table(report)
    assert list(of_pandas.columns) == of_polars.columns == of_arrow.column_names
    assert all(type(amount) is Decimal for amount in of_pandas["amount"])
    assert of_pandas["amount"].sum() == of_polars["amount"].sum() == moved
    assert of_polars.schema["amount"] == polars.Decimal(38, 2)
    assert of_arrow.schema.field("amount").type == pyarrow.decimal128(38, 2)
    assert of_polars["row"].to_list() == [*range(1, 1001)]
    assert of_pandas["reference"].tolist() == [person["reference"] for person in people]
    assert set(of_pandas["department"]) == {"Sewing"} and set(of_polars["status"]) == {"paid"}
    assert of_polars.equals(polars.DataFrame(engine.report("june")))
    accounts = [person["bank_account_number"] for person in people]
    assert not of_polars["account"].is_in(accounts).any()
    assert of_polars["account"][0] == "00****234"
    # A report can be the frame of something else: here, who was paid comes back as a check.
    assert kesspay.check(report.to_polars()).problems


def test_every_field_of_a_row_is_what_the_command_tells(
    engine: kesspay.PayoutEngine, tmp_path: Path
) -> None:
    people = [row(1), row(2, "0404"), row(3, "0777"), row(4, "0411"), row(5, note="x")]
    people = [{"note": "", **person} for person in people]
    engine.run(polars.DataFrame(people), batch="june", name_match="strict")
    told = command(
        "report", "june", "--format", "json", "--store", tmp_path / "payout.db", cwd=tmp_path
    )
    report = engine.report("june")
    rows_told = json.loads(told.stdout)["rows"]
    assert len(rows_told) == len(report) == 5
    for ours, theirs in zip(report, rows_told, strict=True):
        assert str(ours.outcome) == theirs["status"]
        assert str(ours.amount) == theirs["amount"] or ours.amount == Decimal(theirs["amount"])
        same = ("row", "reference", "out_trade_no", "currency", "bic", "account", "holder_name",
                "transaction_id", "otp_url", "attempts")
        for name in same:
            assert getattr(ours, name) == theirs[name], name
        reason = None if ours.error is None else dataclasses.asdict(ours.error)
        assert reason == theirs["error"]
        for name in ("updated_at", "otp_expires_at"):
            moment, text = getattr(ours, name), theirs[name]
            assert (moment is None) == (text is None), name
            if moment is not None:
                assert moment.tzinfo is not None
                assert abs(moment - datetime.fromisoformat(text.replace("Z", "+00:00"))) < (
                    timedelta(milliseconds=1)
                )
        assert ours.line == ours.row + 1
    frame = report.to_polars()
    for ours, values in zip(report, frame.iter_rows(named=True), strict=True):
        assert values["status"] == ours.outcome and values["amount"] == ours.amount
        assert values["note"] == ours.extra.get("note", "")
        assert values["error_code"] == (ours.error.code if ours.error else None)
        assert values["error_message"] == (ours.error.message if ours.error else None)
        assert values["otp_expires_at"] == ours.otp_expires_at
        assert values["updated_at"] == ours.updated_at

    status = engine.status("june")
    told = command("status", "june", "--json", "--store", tmp_path / "payout.db", cwd=tmp_path)
    document = json.loads(told.stdout)
    assert {str(key): count for key, count in status.counts.items()} == document["counts"]
    assert set(status.counts) == set(Outcome) == set(status.totals["USD"].by_outcome)
    sums = status.totals["USD"]
    assert sums.requested == Decimal(document["totals"]["USD"]["requested"]) == total(people)
    assert sums.paid == Decimal(document["totals"]["USD"]["paid"])
    assert sum(sums.by_outcome.values()) == sums.requested
    assert (status.rows, status.batch, status.dry_run) == (5, "june", False)
    assert abs(datetime.now(timezone.utc) - status.created_at) < timedelta(minutes=2)
    assert status.elapsed > timedelta(0) and status.purged_at is None and status.stopped is None
    assert pickle.loads(pickle.dumps(status)) == status


def test_polars_reads_a_report_where_pandas_is_not(python: Python, tmp_path: Path) -> None:
    ran = python(
        """
        import sys
        for name in ("pandas", "pyarrow", "numpy"):
            sys.modules[name] = None
        import kesspay, polars as pl
        from payroll import rows
        frame = pl.DataFrame(rows(3, department="Sewing"))
        with kesspay.Sandbox() as sandbox:
            report = kesspay.PayoutEngine(sys.argv[1], sandbox.client()).run(frame)
            moved = sandbox.ledger().moved("USD")
        # From polars 2 on, what is no table of pyarrow comes as one column of structs.
        read = pl.from_arrow(report)
        read = read.struct.unnest() if isinstance(read, pl.Series) else read
        for frame in (read, pl.DataFrame(report), report.to_polars()):
            assert frame.equals(read)
            paid = frame.filter(pl.col("status") == "paid")
            print(paid.height, paid["amount"].sum() == moved, paid["department"].unique().to_list())
        """,
        str(tmp_path / "payout.db"),
    )
    assert ran.stdout.splitlines() == ["3 True ['Sewing']"] * 3, ran.stderr


def test_a_password_is_entered_and_the_batch_goes_on(
    engine: kesspay.PayoutEngine, kess_sandbox: kesspay.Sandbox
) -> None:
    report = engine.run(pandas.DataFrame([row(1), row(2, "0777"), row(3, "0777")]), batch="june")
    assert counts(report.status) == {"paid": 1, "awaiting_otp": 2}
    assert not report.status.is_paid and report.status.unsettled == 2
    assert any("engine.otp('june')" in step for step in report.status.next_steps())
    waiting = engine.otp()
    assert [it.reference for it in waiting] == ["P-0002", "P-0003"]
    for it, person in zip(waiting, list(report)[1:], strict=True):
        assert (it.row, it.amount) == (person.row, person.amount)
        assert it.out_trade_no == person.out_trade_no
        assert it.url == person.otp_url and it.url not in repr(it) and it.url not in repr(person)
        assert it.expires_at is not None and it.expires_at > datetime.now(timezone.utc)
    confirm(waiting[0].url)
    assert counts(engine.resume("june").status) == {"paid": 2, "awaiting_otp": 1}
    confirm(engine.otp("june")[0].url)
    report = engine.resume()
    each_paid_once(kess_sandbox, report)
    assert engine.otp() == [] and report.status.next_steps() == []


def test_a_password_is_waited_for_where_that_is_wanted(
    engine: kesspay.PayoutEngine, kess_sandbox: kesspay.Sandbox
) -> None:
    with engine.start(polars.DataFrame(rows(2, "0777")), otp="wait") as run:
        for event in run:
            if isinstance(event, kesspay.events.OtpRequired):
                confirm(event.url)
        report = run.wait()
    each_paid_once(kess_sandbox, report)


def test_a_held_row_waits_for_a_decision(
    engine: kesspay.PayoutEngine, kess_sandbox: kesspay.Sandbox
) -> None:
    people = [row(1), row(2, "0411"), row(3, "0411")]
    kess_sandbox.add_accounts(polars.DataFrame(people))
    report = engine.run(polars.DataFrame(people), batch="june", name_match="strict")
    assert counts(report.status) == {"paid": 1, "held": 2}
    held = list(report)[1]
    assert held.error is not None and held.error.code == "holder_name"
    with pytest.raises(kesspay.BatchStateError, match="P-0001"):
        engine.release("P-0001", reason="he insists")
    with pytest.raises(kesspay.EngineError, match="P-9"):
        engine.release("P-9", reason="nobody knows him", batch="june")
    released = engine.release("P-0002", reason="his wife's account", by="office", batch="june")
    assert (released.reference, released.outcome) == ("P-0002", "pending")
    rejected = engine.reject("P-0003", reason="unknown", by="office")
    assert rejected.outcome == "cancelled"
    report = engine.resume("june")
    assert outcomes(report) == {"P-0001": "paid", "P-0002": "paid", "P-0003": "cancelled"}
    assert kess_sandbox.ledger().moved("USD") == total(people[:2])


def test_retry_is_for_rows_that_moved_no_money(
    engine: kesspay.PayoutEngine, kess_sandbox: kesspay.Sandbox
) -> None:
    kess_sandbox.add_fault("refuse", code="VALIDATION_ERROR", service="withdraw", times=1)
    report = engine.run(pandas.DataFrame(rows(3)), batch="june", concurrency=1)
    assert counts(report.status) == {"paid": 2, "failed": 1}
    assert any("engine.retry('june')" in step for step in report.status.next_steps())
    before = [person.out_trade_no for person in report]
    report = engine.retry()
    assert report.status.is_paid
    assert sorted(person.attempts for person in report) == [1, 1, 2]
    changed = [one for one, other in zip(report, before, strict=True) if one.out_trade_no != other]
    assert len(changed) == 1 and kess_sandbox.ledger().moved("USD") == total(rows(3))


def test_a_dry_run_moves_nothing(
    engine: kesspay.PayoutEngine, kess_sandbox: kesspay.Sandbox
) -> None:
    report = engine.run(pandas.DataFrame([row(1), row(2, "0404")]), batch="june", dry_run=True)
    assert counts(report.status) == {"pending": 1, "failed": 1}
    assert report.status.dry_run and report.status.unsettled == 0
    assert kess_sandbox.ledger().rows == []
    # It does not count as a payment.
    assert engine.run(pandas.DataFrame([row(1)])).status.is_paid


def test_batches_are_listed_named_and_forgotten(
    engine: kesspay.PayoutEngine, tmp_path: Path
) -> None:
    assert engine.batches() == []
    for look in (engine.status, engine.report, engine.otp, engine.resume, engine.retry):
        with pytest.raises(kesspay.NoSuchBatchError):
            look()
    path = write(tmp_path / "june.csv", rows(2, department="Sewing"))
    first = engine.run(path)
    assert first.status.batch.startswith("june") and first.status.source.startswith("june.csv")
    second = engine.run(polars.DataFrame([row(7, "0777")]), batch="july")
    assert [it.batch for it in engine.batches()] == ["july", first.status.batch]
    assert engine.status() == engine.batches()[0] == second.status
    with pytest.raises(kesspay.NoSuchBatchError, match="may") as raised:
        engine.status("may")
    assert raised.value.kind == "no_such_batch"
    with pytest.raises(kesspay.BatchStateError):
        engine.purge("july")
    # There is nothing to do, so nothing is done.
    assert engine.resume(first.status.batch).status.is_paid
    purged = engine.purge(first.status.batch)
    assert purged.purged_at is not None and purged.is_paid and purged.next_steps() == []
    for person in engine.report(first.status.batch):
        assert person.bic is person.account is person.holder_name is None
        assert person.extra == {} and person.amount > 0 and person.out_trade_no
    assert engine.report(first.status.batch).to_polars()["account"].to_list() == [None, None]
    with pytest.raises(kesspay.EngineError):
        engine.run(path)


def test_a_batch_is_cancelled_for_good(
    engine: kesspay.PayoutEngine, kess_sandbox: kesspay.Sandbox
) -> None:
    engine.run(polars.DataFrame([row(1), row(2, "0777")]), batch="june")
    report = engine.cancel("june", reason="the wrong month")
    assert counts(report.status) == {"paid": 1, "cancelled": 1}
    assert report.status.cancelled is not None and "wrong month" in report.status.cancelled
    assert "wrong month" not in repr(report.status)
    with pytest.raises(kesspay.BatchStateError):
        engine.retry("june")
    assert kess_sandbox.ledger().moved("USD") == total([row(1)])


def test_the_two_ledgers_are_compared(
    engine: kesspay.PayoutEngine, kess_sandbox: kesspay.Sandbox
) -> None:
    engine.run(polars.DataFrame([row(1), row(2, "0777"), row(3)]), batch="june")
    agreed = engine.reconcile("june")
    assert agreed.agrees and len(agreed) == 0 and list(agreed) == [] and agreed
    assert (agreed.batch, agreed.rows, agreed.asked, agreed.listed) == ("june", 3, 3, 3)
    confirm(engine.otp()[0].url)
    differs = engine.reconcile()
    (one,) = differs.differences
    assert not differs.agrees and one.kind == "outcome" and one.reference == "P-0002"
    assert (one.row, one.outcome, one.gateway_status) == (2, "awaiting_otp", "SUCCESS")
    assert one.amount == one.gateway_amount == row(2)["amount"]
    assert one.currency == one.gateway_currency == "USD"
    assert one.out_trade_no == list(engine.report())[1].out_trade_no and "SUCCESS" in one.message
    assert "P-0002" in differs._repr_html_()


def test_wrong_credentials_stop_the_batch_and_right_ones_resume_it(
    kess_sandbox: kesspay.Sandbox, tmp_path: Path
) -> None:
    store = str(tmp_path / "payout.db")
    mistyped = kess_sandbox.client(password="mistyped")
    report = kesspay.PayoutEngine(store, mistyped, policy=POLICY).run(polars.DataFrame(rows(3)))
    stopped = report.status.stopped
    assert stopped is not None and stopped.cause == kesspay.StopCause.CREDENTIALS
    assert report.status.state == BatchState.STOPPED and kess_sandbox.ledger().rows == []
    assert "engine.resume" in report.status.next_steps()[0]
    report = kesspay.PayoutEngine(store, kess_sandbox.client(), policy=POLICY).resume()
    each_paid_once(kess_sandbox, report)


def test_a_bad_day_ends_well(tmp_path: Path) -> None:
    faults = ("cut_before_booking", "cut_after_booking", "half_reply")
    with kesspay.Sandbox(seed=5) as sandbox:
        sandbox.add_faults([{"fault": fault, "per_mille": 50} for fault in faults])
        engine = kesspay.PayoutEngine(
            str(tmp_path / "payout.db"), sandbox.client(base_pause=0.001), policy=POLICY
        )
        report = engine.run(polars.DataFrame(rows(60)), concurrency=8, route="direct")
        for _ in range(20):
            if report.status.is_paid:
                break
            report = engine.resume() if report.status.unsettled else engine.retry()
        assert sandbox.fault_hits()["cut_after_booking"] > 0
        assert report.status.is_paid and sandbox.ledger().moved("USD") == total(rows(60))
        assert all(booking.times_booked == 1 for booking in sandbox.ledger().rows if booking.moved)


def test_what_one_began_the_other_ends(
    kess_sandbox: kesspay.Sandbox, engine: kesspay.PayoutEngine, tmp_path: Path
) -> None:
    path = write(tmp_path / "june.csv", [row(1), row(2, "0777")])
    store, environment = tmp_path / "payout.db", kess_sandbox.environment

    def payout(*args: str | Path) -> subprocess.CompletedProcess[str]:
        return command(*args, "--store", store, cwd=tmp_path, environment=environment)

    assert payout("run", path, "--yes", "--batch", "june").returncode == 5
    confirm(engine.otp("june")[0].url)
    report = engine.resume("june")
    each_paid_once(kess_sandbox, report)

    engine.run(polars.DataFrame([row(3, "0777")]), batch="july")
    confirm(engine.otp("july")[0].url)
    ended = payout("resume", "july", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["counts"]["paid"] == 1
    assert engine.status("july").is_paid
    audit = payout("audit", "--all", "--json")
    assert audit.returncode == 0, audit.stdout
    for batch in json.loads(audit.stdout)["batches"]:
        assert batch["intact"]


def test_reports_in_files(engine: kesspay.PayoutEngine, tmp_path: Path) -> None:
    report = engine.run(polars.DataFrame([row(1), row(2, "0404")]), batch="june")
    for name in ("r.csv", "r.json", "r.html", "R.CSV"):
        report.save(tmp_path / name)
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert "000001" in (tmp_path / "r.csv").read_text()
    document = json.loads((tmp_path / "r.json").read_text())
    assert [person["status"] for person in document["rows"]] == ["paid", "failed"]
    for wrong in ("r.xlsx", "r", ".csv"):
        with pytest.raises(ValueError, match=r"\.csv, \.json or \.html"):
            report.save(tmp_path / wrong)
    with pytest.raises(FileNotFoundError):
        report.save(tmp_path / "none" / "r.csv")
