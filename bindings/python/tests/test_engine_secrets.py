"""Secrets and personal data of a payroll: in no text form, no event, no log, no traceback."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import kesspay
import polars
import pytest
from payroll import POLICY, row

ENDINGS = ["1234", "0404", "0411", "0412", "0400", "0422", "0504", "0601", "0777", "0410"]

PEOPLE = [
    row(
        number,
        ending,
        first_name=f"Zzfirst{number}",
        last_name="Zzlast",
        phone_number=f"0129987{number:02d}",
        email=f"zzmail{number}@example.com",
        holder_name=f"ZZHOLDER {number}",
        bank_account_number=f"7319{number:02d}{ending}",
        address="Zzstreet 5",
        nickname="Zznick",
        reference=f"R-{number}",
    )
    for number, ending in enumerate(ENDINGS, 1)
]

MARKERS = ["zzfirst", "zzlast", "zzmail", "zzholder", "zzstreet", "zznick", "0129987", "7319",
           "somebody else"]


def unseen(text: str, *more: str) -> None:
    low = text.lower()
    for marker in (*MARKERS, *more):
        assert marker.lower() not in low, f"{marker} in {text[:2000]}"


@pytest.fixture
def secrets(kess_sandbox: kesspay.Sandbox) -> list[str]:
    given = kess_sandbox.environment
    return [given[name] for name in ("KESS_CLIENT_SECRET", "KESS_PASSWORD", "KESS_API_SECRET_KEY")]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, secrets: list[str]) -> Iterator[None]:
    """Everything that is logged, at every level, is looked at in the end."""
    caplog.set_level(1)
    yield
    records = caplog.get_records("call")
    assert any(record.name == "kesspay.client" for record in records), "nothing was logged"
    for record in records:
        unseen(record.getMessage(), *secrets)
        unseen(repr(record.args), *secrets)


def shown(thing: Any) -> list[str]:
    forms = [repr(thing), str(thing), f"{thing}"]
    if hasattr(thing, "_repr_html_"):
        forms.append(thing._repr_html_())
    return forms


def test_a_whole_payroll_shows_nobody(
    kess_sandbox: kesspay.Sandbox, tmp_path: Path, secrets: list[str], said: None
) -> None:
    engine = kesspay.PayoutEngine(
        str(tmp_path / "payout.db"), kess_sandbox.client(), policy=POLICY
    )
    frame = polars.DataFrame(PEOPLE)
    run = engine.start(frame, batch="june", name_match="warn")
    things: list[Any] = [engine, run, kesspay.check(frame)]
    links = []
    for event in run:
        things.append(event)
        if isinstance(event, kesspay.events.OtpRequired):
            assert event.url is not None
            links.append(event.url)
    assert links
    report = run.wait()
    things += [report, report.status, *report.status.totals.values(), *report.status.next_steps()]
    things += [*report, *engine.otp(), *engine.batches(), engine.reconcile()]
    things += [kess_sandbox, kess_sandbox.ledger(), *kess_sandbox.ledger().rows]
    things += [person.error for person in report] + [person.warning for person in report]
    assert len(things) > 60
    for thing in things:
        for form in shown(thing):
            unseen(form, *secrets, *links)
    unseen(str(report.to_polars().drop("holder_name", "nickname", "otp_url", "warning").to_dicts()))
    report.save(tmp_path / "r.json")
    report.save(tmp_path / "r.html")
    for name in ("r.json", "r.html"):
        assert "7319" not in (tmp_path / name).read_text()
    assert pickle.loads(pickle.dumps(list(report))) == list(report)


def test_the_engine_awaited_shows_nobody_either(
    kess_sandbox: kesspay.Sandbox, tmp_path: Path, secrets: list[str], said: None
) -> None:
    async def pay() -> list[Any]:
        client = kess_sandbox.async_client()
        engine = kesspay.AsyncPayoutEngine(str(tmp_path / "p.db"), client, policy=POLICY)
        async with await engine.start(polars.DataFrame(PEOPLE[:3])) as run:
            things: list[Any] = [event async for event in run]
            return [*things, run, engine, await run.wait()]

    for thing in asyncio.run(pay()):
        for form in shown(thing):
            unseen(form, *secrets)


WRONG = [
    {**PEOPLE[0], "bank_account_number": "7319-01-1234"},
    {**PEOPLE[1], "email": "zzmail2.example.com"},
    {**PEOPLE[2], "phone_number": "+0129987 03"},
    {**PEOPLE[3], "first_name": "Zzfirst\u202e"},
    {**PEOPLE[4], "amount": Decimal(-1)},
    {**PEOPLE[5], "reference": "R-1"},
    {**PEOPLE[6], "last_name": "Zzlast" * 100},
]


def test_findings_and_refusals_mask_what_they_name(
    kess_sandbox: kesspay.Sandbox, tmp_path: Path, secrets: list[str]
) -> None:
    engine = kesspay.PayoutEngine(str(tmp_path / "payout.db"), kess_sandbox.client())
    with pytest.raises(kesspay.FileRefusedError) as raised:
        engine.run(polars.DataFrame(WRONG))
    error = raised.value
    assert len(error.check.problems) >= 6
    for thing in (error, error.check, *error.check.problems, *error.check.warnings):
        for form in shown(thing):
            unseen(form, *secrets)
    unseen("".join(traceback.format_exception(error)))
    unseen(str(error.check.to_polars().to_dicts()))


def test_a_wrong_type_does_not_show_its_values() -> None:
    for people in (
        [{**PEOPLE[0], "bank_account_number": 7319011234}],
        [{**PEOPLE[0], "phone_number": 12998701}],
        [{**PEOPLE[0], "email": b"zzmail1@example.com"}],
    ):
        with pytest.raises(TypeError) as raised:
            kesspay.check(polars.DataFrame(people))
        unseen(str(raised.value), "12998701")


def test_logs_have_our_name_and_levels(
    kess_sandbox: kesspay.Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def said(level: int) -> set[str]:
        caplog.clear()
        caplog.set_level(level, "kesspay")
        engine = kesspay.PayoutEngine(
            str(tmp_path / f"{level}.db"), kess_sandbox.client(base_pause=0.001), policy=POLICY
        )
        kess_sandbox.add_fault("status", status=503, service="query_order", times=2)
        kess_sandbox.add_fault("cut_after_booking", service="withdraw", times=1)
        engine.run(polars.DataFrame([row(1), row(2)]))
        kess_sandbox.clear_faults()
        return {record.name for record in caplog.records}

    assert said(logging.CRITICAL) == set()
    names = said(logging.DEBUG)
    assert names and all(name.startswith("kesspay.") for name in names), names
    assert "kesspay.client" in names


def test_a_failing_handler_does_not_stop_a_payroll(
    kess_sandbox: kesspay.Sandbox, tmp_path: Path
) -> None:
    class Broken(logging.Handler):
        seen = 0

        def emit(self, record: logging.LogRecord) -> None:
            Broken.seen += 1
            raise RuntimeError("no space left")

    logger, handler = logging.getLogger("kesspay"), Broken()
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        kess_sandbox.add_fault("status", status=503, service="withdraw", times=2)
        engine = kesspay.PayoutEngine(
            str(tmp_path / "payout.db"), kess_sandbox.client(), policy=POLICY
        )
        assert engine.run(polars.DataFrame([row(1), row(2)])).status.rows == 2
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert Broken.seen > 0
