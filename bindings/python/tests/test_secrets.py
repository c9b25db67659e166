"""Secrets and personal data: in no text form, no traceback, no log."""

from __future__ import annotations

import logging
import pickle
import traceback

import kesspay
import pytest
from conftest import CUSTOMER
from scripted import GRANT, SECRETS, Answer, Scripted

PERSONAL = ("012345678", "dara@example.com", "Dara", "000123456")


def unseen(text: str, *more: str) -> None:
    for secret in (*SECRETS, *PERSONAL, GRANT["access_token"], GRANT["refresh_token"], *more):
        assert str(secret) not in text, f"{secret} in {text}"


def test_no_text_form_has_a_secret(kess_sandbox: kesspay.Sandbox) -> None:
    given = kess_sandbox.environment
    secrets = [given["KESS_CLIENT_SECRET"], given["KESS_PASSWORD"], given["KESS_API_SECRET_KEY"]]
    client = kess_sandbox.client()
    sealed = client.seal(CUSTOMER)
    for thing in (client, client.asynchronous(), client._gateway, kess_sandbox, CUSTOMER, sealed):
        for text in (repr(thing), str(thing), f"{thing}"):
            unseen(text, *secrets, sealed.hex)
    assert repr(CUSTOMER) == (
        "Customer(phone_number=[masked], email=[masked], first_name=[masked], last_name=[masked])"
    )
    for thing in (client, sealed, kess_sandbox):
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            pickle.dumps(thing)


def test_no_error_repeats_what_it_was_given() -> None:
    echo = {"success": False, "code": "VALIDATION_ERROR", "message": "000123456 of dara@example.com"}
    with Scripted(lambda _: Answer(400, echo)) as gateway, gateway.client() as client:
        number = PERSONAL[-1]
        try:
            client.verify_bank_account(bank_account_number=number, bic="ABAAKHPP")
        except kesspay.RefusedError as error:
            unseen(repr(error) + str(error))
            unseen("".join(traceback.format_exception(error)))
            assert b"000123456" in (error.body or b"")
        else:
            pytest.fail("not refused")


def test_no_log_has_a_secret(
    kess_sandbox: kesspay.Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    kess_sandbox.add_fault("status", status=503, service="query_order", times=1)
    with kess_sandbox.client() as client:
        client.verify_bank_account(bank_account_number="000123456", bic="ABAAKHPP")
        with pytest.raises(kesspay.NotFoundError):
            client.query_order(out_trade_no="WD-1")
    given = kess_sandbox.environment
    assert any("an attempt failed" in record.getMessage() for record in caplog.records)
    for record in caplog.records:
        unseen(
            record.getMessage(),
            given["KESS_CLIENT_SECRET"],
            given["KESS_PASSWORD"],
            given["KESS_API_SECRET_KEY"],
        )


def test_loggers_have_our_name_and_can_be_set_at_any_time(
    kess_sandbox: kesspay.Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    def said() -> set[str]:
        caplog.clear()
        kess_sandbox.add_fault("status", status=503, service="merchant_info", times=1)
        kess_sandbox.client(base_pause=0.001).merchant_info()
        return {record.name for record in caplog.records}

    caplog.set_level(logging.WARNING, "kesspay")
    assert said() == set()
    caplog.set_level(logging.DEBUG, "kesspay")
    assert said() == {"kesspay.client"}
    caplog.set_level(logging.WARNING, "kesspay")
    assert said() == set()
