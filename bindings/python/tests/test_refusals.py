"""What is refused, and how it is said: files, options, stores, gateways, second runners."""

from __future__ import annotations

import inspect
import sys
from decimal import Decimal
from pathlib import Path

import kesspay
import pandas
import polars
import pytest
from payroll import POLICY, Far, command, counts, each_paid_once, row, rows, total, write


@pytest.fixture
def engine(kess_sandbox: kesspay.Sandbox, tmp_path: Path) -> kesspay.PayoutEngine:
    return kesspay.PayoutEngine(
        f"sqlite://{tmp_path / 'payout.db'}", kess_sandbox.client(), policy=POLICY
    )


def test_invalid_rows_refuse_the_file_or_are_left_out(
    engine: kesspay.PayoutEngine, kess_sandbox: kesspay.Sandbox
) -> None:
    frame = pandas.DataFrame([row(1), row(2, email="nobody"), row(3)])
    with pytest.raises(kesspay.FileRefusedError) as raised:
        engine.run(frame)
    error = raised.value
    assert isinstance(error.check, kesspay.Check) and error.kind == "refused"
    assert [(it.row, it.column) for it in error.check.problems] == [(2, "email")]
    assert error.check.to_polars().height == 1
    assert engine.batches() == [] and kess_sandbox.ledger().rows == []
    report = engine.run(frame, skip_invalid=True)
    assert counts(report.status) == {"invalid": 1, "paid": 2}
    assert kess_sandbox.ledger().moved("USD") == total([row(1), row(3)])
    nobody = pandas.DataFrame([row(1, email="nobody")])
    with pytest.raises(kesspay.FileRefusedError, match="no row"):
        engine.run(nobody, skip_invalid=True)


@pytest.mark.parametrize(
    "expected",
    [
        {"expect_rows": 3},
        {"expect_total": {"USD": "3.04"}},
        {"expect_total": {"KHR": 1}},
        {"expect_total": {"USD": Decimal("3.03"), "KHR": 1}},
    ],
)
def test_what_was_expected_has_to_be_so(
    engine: kesspay.PayoutEngine, kess_sandbox: kesspay.Sandbox, expected: dict[str, object]
) -> None:
    frame = polars.DataFrame(rows(2))
    with pytest.raises(kesspay.FileRefusedError) as raised:
        engine.run(frame, **expected)  # type: ignore[arg-type]
    assert raised.value.check.rows == 2 and kess_sandbox.ledger().rows == []
    for total_of in ("3.03", Decimal("3.030"), Decimal("3.03")):
        engine.run(frame, expect_rows=2, expect_total={"USD": total_of}, dry_run=True)
    with pytest.raises(TypeError, match="expect_total.*float"):
        engine.run(frame, expect_total={"USD": 3.03})  # type: ignore[dict-item]


def test_nobody_is_paid_by_two_batches(
    engine: kesspay.PayoutEngine, kess_sandbox: kesspay.Sandbox
) -> None:
    frame = polars.DataFrame(rows(2))
    engine.run(frame, batch="june")
    with pytest.raises(kesspay.FileRefusedError, match="june"):
        engine.run(frame)
    assert len(kess_sandbox.ledger().rows) == 2
    engine.run(frame, batch="again", allow_duplicate="agreed with both")
    assert kess_sandbox.ledger().moved("USD") == 2 * total(rows(2))
    with pytest.raises(kesspay.EngineError, match="june"):
        engine.run(polars.DataFrame([row(9)]), batch="june")


def test_a_store_belongs_to_one_gateway(engine: kesspay.PayoutEngine, tmp_path: Path) -> None:
    engine.run(polars.DataFrame([row(1, "0777")]), batch="june")
    with kesspay.Sandbox(seed=7) as other:
        elsewhere = kesspay.PayoutEngine(str(tmp_path / "payout.db"), other.client())
        for work in (elsewhere.resume, elsewhere.retry, elsewhere.reconcile):
            with pytest.raises(kesspay.OtherGatewayError):
                work("june")
        # Looking is allowed.
        assert elsewhere.status("june").unsettled == 1
        assert other.ledger().rows == []


def test_an_engine_without_a_client_looks_only(
    engine: kesspay.PayoutEngine, tmp_path: Path
) -> None:
    engine.run(polars.DataFrame([row(1, "0777")]), batch="june")
    looker = kesspay.PayoutEngine(str(tmp_path / "payout.db"))
    assert looker.status().batch == "june" and len(looker.report()) == len(looker.otp()) == 1
    for work in (looker.resume, looker.retry, looker.reconcile, looker.cancel):
        with pytest.raises(kesspay.ConfigurationError, match=r"PayoutEngine\(store, client\)"):
            work("june")
    with pytest.raises(kesspay.ConfigurationError):
        looker.run(polars.DataFrame([row(2)]))


def test_a_second_runner_is_told_who_has_the_batch_in_hand(tmp_path: Path) -> None:
    with Far("--latency", "150") as far:
        path = write(tmp_path / "june.csv", rows(40))
        engine = kesspay.PayoutEngine(str(tmp_path / "payout.db"), far.client(), policy=POLICY)
        with engine.start(path, batch="june", concurrency=1) as run:
            refused = command("resume", "june", cwd=tmp_path, environment=far.environment)
            assert refused.returncode == 1 and "kesspay run, process" in refused.stderr
            other = kesspay.PayoutEngine(str(tmp_path / "payout.db"), far.client(), policy=POLICY)
            with pytest.raises(kesspay.LockedError, match="kesspay run, process") as raised:
                other.resume("june")
            assert raised.value.kind == "locked"
            assert run.status().unsettled > 0, "it was over before it could be refused"
        far.faults(clear=True)
        each_paid_once(far, engine.resume("june"))


def test_options_show_in_the_signature_and_are_checked(engine: kesspay.PayoutEngine) -> None:
    for kind in (kesspay.PayoutEngine, kesspay.AsyncPayoutEngine):
        shown = inspect.signature(kind.run).parameters
        assert {"source", "progress", "batch", "expect_total"} <= shown.keys()
        assert shown.keys() - {"progress"} == inspect.signature(kind.start).parameters.keys()
    frame = polars.DataFrame(rows(1))
    with pytest.raises(TypeError, match="no such option: concurency"):
        engine.run(frame, concurency=3)  # type: ignore[call-arg]
    for wrong in ({"concurrency": "3"}, {"dry_run": "no"}, {"batch": 5}, {"expect_rows": 1.0},
                  {"expect_total": [("USD", 1)]}, {"concurrency": None}, {"notify_url": b"x"}):
        (name,) = wrong
        with pytest.raises(TypeError, match=name):
            engine.run(frame, **wrong)  # type: ignore[arg-type]
    for wrong in ({"route": "fast"}, {"name_match": "hard"}, {"otp": "never"}, {"batch": "a/b"},
                  {"concurrency": -1}):
        with pytest.raises((ValueError, kesspay.Error)):
            engine.run(frame, **wrong)  # type: ignore[arg-type]
    assert engine.batches() == []
    with pytest.raises(kesspay.ConfigurationError, match="policy: "):
        kesspay.PayoutEngine("x.db", policy={"setle": "1s"})
    with pytest.raises(TypeError):
        kesspay.PayoutEngine("x.db", "client")  # type: ignore[arg-type]


def test_a_store_that_cannot_be_used_is_named(kess_client: kesspay.Client, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at" * 50)
    for store in (f"sqlite://{tmp_path / 'text.db'}", f"sqlite://{tmp_path / 'none' / 'p.db'}"):
        with pytest.raises(kesspay.EngineError) as raised:
            kesspay.PayoutEngine(store, kess_client).run(polars.DataFrame(rows(1)))
        assert Path(store[9:]).name in str(raised.value)
    with pytest.raises(kesspay.Error):
        kesspay.PayoutEngine("mysql://x/y", kess_client).batches()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of Unix")
def test_the_store_is_private(engine: kesspay.PayoutEngine, tmp_path: Path) -> None:
    engine.run(polars.DataFrame(rows(1)))
    assert (tmp_path / "payout.db").stat().st_mode & 0o777 == 0o600
    assert repr(engine) == f"<kesspay.PayoutEngine on sqlite://{tmp_path / 'payout.db'}>"
