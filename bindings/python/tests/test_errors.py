"""Every exception, and above all: which of them say that a payment may have been made."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import Any

import kesspay
import pytest
from conftest import CUSTOMER
from scripted import Answer, Scripted, success

BUSY = threading.Event()


def too_late(_: dict[str, Any]) -> Answer | None:
    BUSY.wait(3)
    return None


def refusal(status: int, code: str) -> Answer:
    return Answer(status, {"success": False, "code": code, "message": "No."}, x_request_id="req-7")


ANSWERS: list[tuple[type[kesspay.Error], str, str, Callable[[dict[str, Any]], Answer | None]]] = [
    (kesspay.RefusedError, "refused", "answered", lambda _: refusal(400, "VALIDATION_ERROR")),
    (kesspay.ForbiddenError, "forbidden", "answered", lambda _: refusal(403, "FORBIDDEN")),
    (kesspay.NotFoundError, "not_found", "answered", lambda _: refusal(404, "NOT_FOUND")),
    (kesspay.DuplicateError, "duplicate", "answered", lambda _: refusal(409, "DUPLICATED")),
    (kesspay.ExpiredError, "expired", "unknown", lambda _: refusal(419, "EXPIRED")),
    (kesspay.FailedError, "failed", "unknown", lambda _: refusal(422, "PROCESS_FAILED")),
    (kesspay.RateLimitedError, "rate_limited", "unknown", lambda _: refusal(429, "X")),
    (kesspay.UnavailableError, "unavailable", "unknown", lambda _: refusal(503, "SYSTEM_ERROR")),
    (
        kesspay.UnreadableReplyError,
        "unreadable_reply",
        "unknown",
        lambda _: Answer(200, b"<html></html>"),
    ),
    (kesspay.TransportError, "transport", "unknown", lambda _: None),
    (kesspay.TimedOutError, "timeout", "unknown", too_late),
]


def withdraw(client: kesspay.Client, **more: Any) -> kesspay.records.Withdrawal:
    return client.withdraw(
        out_trade_no="WD-1",
        total_amount="10.50",
        currency="USD",
        bank_account_token="token",
        customer=more.pop("customer"),
        **more,
    )


@pytest.fixture(scope="module")
def public_key() -> str:
    with kesspay.Sandbox() as sandbox:
        return sandbox.environment["KESS_PUBLIC_KEY"]


@pytest.mark.parametrize(("kind", "name", "of_money", "answer"), ANSWERS)
def test_a_read_raises_by_kind_and_a_payment_by_outcome(
    kind: type[kesspay.Error],
    name: str,
    of_money: str,
    answer: Callable[[dict[str, Any]], Answer | None],
    public_key: str,
) -> None:
    BUSY.clear()
    with Scripted(answer) as gateway, gateway.client(public_key=public_key) as client:
        with pytest.raises(kesspay.Error) as raised:
            client.query_order(out_trade_no="WD-1", timeout=1)
        error = raised.value
        assert type(error) is kind
        assert (error.kind, error.operation) == (name, "query_order")

        with pytest.raises(kesspay.Error) as raised:
            withdraw(client, timeout=1, customer=CUSTOMER)
        error = raised.value
        unknown = of_money == "unknown"
        assert type(error) is (kesspay.UnknownOutcomeError if unknown else kind)
        assert (error.kind, error.outcome, error.operation) == (name, of_money, "withdraw")
        assert not error.retryable
        assert ("query" in str(error)) == (unknown or kind is kesspay.DuplicateError)
        BUSY.set()


def test_what_an_error_knows() -> None:
    busy = Answer(429, {"message": "Too Many Attempts."}, retry_after="7", x_request_id="req-7")
    with Scripted(lambda _: busy) as gateway, gateway.client() as client:
        with pytest.raises(kesspay.RateLimitedError) as raised:
            client.query_order(out_trade_no="WD-1")
    error = raised.value
    assert (error.status, error.retry_after, error.request_id) == (429, 7.0, "req-7")
    assert error.retryable and error.code is None
    assert error.body == b'{"message": "Too Many Attempts."}'
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error) and str(copy) == str(error)
    assert copy.__dict__ == error.__dict__


def test_a_401_after_a_new_token_is_about_the_credentials() -> None:
    with Scripted(lambda _: refusal(401, "UNAUTHENTICATED")) as gateway:
        with gateway.client() as client, pytest.raises(kesspay.AuthenticationError):
            client.query_order(out_trade_no="WD-1")
        gateway.grant = Answer(401, {"error": "invalid_client"})
        with gateway.client() as client, pytest.raises(kesspay.AuthenticationError):
            client.authenticate()


def test_nobody_there(public_key: str) -> None:
    with Scripted(lambda _: None) as gateway:
        pass
    with gateway.client(public_key=public_key) as client:
        with pytest.raises(kesspay.ConnectError) as raised:
            withdraw(client, customer=CUSTOMER)
    assert raised.value.outcome == "not_sent" and raised.value.retryable
    notes = getattr(raised.value, "__notes__", ["caused by: "])
    assert notes[0].startswith("caused by: ")


def test_a_reply_that_is_not_signed_where_it_must_be(public_key: str) -> None:
    order = {"out_trade_no": "WD-1", "status": "SUCCESS", "total_amount": 1, "currency": "USD"}
    with Scripted(lambda _: success(order)) as gateway:
        with gateway.client(reply_signature="enforce", public_key=public_key) as client:
            with pytest.raises(kesspay.SignatureError):
                client.query_order(out_trade_no="WD-1")
            with pytest.raises(kesspay.UnknownOutcomeError) as raised:
                withdraw(client, customer=CUSTOMER)
            assert raised.value.kind == "signature"


def test_a_request_that_breaks_a_rule_is_not_sent() -> None:
    with Scripted(lambda _: None) as gateway, gateway.client() as client:
        with pytest.raises(kesspay.ValidationError, match="nothing was sent") as raised:
            client.query_order(out_trade_no="no blanks allowed")
        assert raised.value.outcome == "not_sent"
        assert isinstance(raised.value, ValueError)
        assert not gateway.calls


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"base_url": "http://pay.example.com"}, "plain http"),
        ({"api_secret": " "}, "API secret"),
        ({"public_key": "PRIVATE KEY"}, "private key"),
        ({"public_key": "nonsense"}, "RSA"),
        ({"sign_type": "md5"}, "sign type"),
    ],
)
def test_a_configuration_that_makes_no_sense(options: dict[str, str], match: str) -> None:
    with Scripted(lambda _: None) as gateway:
        with pytest.raises(kesspay.ConfigurationError, match=match) as raised:
            gateway.client(**options)
        assert raised.value.kind == "configuration"


def test_values_that_an_option_does_not_have() -> None:
    with Scripted(lambda _: None) as gateway:
        with pytest.raises(ValueError, match="`reply_signature`"):
            gateway.client(reply_signature="perhaps")
        with pytest.raises(ValueError, match="`max_attempts`"):
            gateway.client(max_attempts=0)
        with pytest.raises(ValueError, match="`timeout`"):
            gateway.client(timeout=-1)


def test_a_client_without_a_key_cannot_seal() -> None:
    with Scripted(lambda _: None) as gateway, gateway.client() as client:
        with pytest.raises(kesspay.ConfigurationError, match="public key"):
            client.seal(CUSTOMER)


def test_a_closed_client_says_so(kess_sandbox: kesspay.Sandbox) -> None:
    with kess_sandbox.client() as client:
        other = client.asynchronous().synchronous()
        client.authenticate()
    assert repr(client) == "<Client closed>"
    with pytest.raises(kesspay.ConfigurationError, match="closed"):
        client.query_order(out_trade_no="WD-1")
    other.merchant_info()


def test_every_class_can_be_pickled() -> None:
    for name in kesspay.errors.__all__:
        # An interruption tells where the batch stood, too.
        about = (3,) if name == "Interrupted" else ()
        made = getattr(kesspay.errors, name)("told", *about)
        copy = pickle.loads(pickle.dumps(made))
        assert type(copy) is type(made) and str(copy) == "told"
        assert issubclass(type(made), (kesspay.Error, KeyboardInterrupt))
        assert type(made).__doc__
    check = kesspay.FileRefusedError("told", check=[1])
    copy = pickle.loads(pickle.dumps(check))
    assert (copy.check, copy.kind) == ([1], "other")
    assert pickle.loads(pickle.dumps(kesspay.Interrupted("told", 3))).status == 3
