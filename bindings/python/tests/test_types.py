"""Values on their way in: strict, exact, and with the name of the argument in every error."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import kesspay
import numpy
import pytest


def sent(client: kesspay.Client, operation: str, **fields: Any) -> dict[str, Any]:
    """The fields that would be sent."""
    parsed: dict[str, Any] = json.loads(
        client.body(operation, **fields), parse_float=Decimal, parse_int=str
    )
    return parsed


def amount_of(client: kesspay.Client, amount: object, currency: str = "USD") -> str:
    fields = {"out_trade_no": "A-1", "body": "b", "total_amount": amount, "currency": currency}
    return str(sent(client, "create_order", **fields)["total_amount"])


@pytest.mark.parametrize(
    ("given", "on_the_wire"),
    [
        ("10.50", "10.5"),
        (Decimal("10.50"), "10.5"),
        (Decimal("1.5E+3"), "1500"),
        ("1.5E+3", "1500"),
        (Decimal("0.10") + Decimal("0.20"), "0.3"),
        (10, "10"),
        (numpy.int64(7), "7"),
        (numpy.uint8(7), "7"),
        ("922816251426.33", "922816251426.33"),
        (Decimal("1E+2"), "100"),
    ],
)
def test_amounts_are_exact(kess_client: kesspay.Client, given: object, on_the_wire: str) -> None:
    assert amount_of(kess_client, given) == on_the_wire


@pytest.mark.parametrize(
    "given",
    [10.5, 10.0, numpy.float64(10.5), numpy.float32(1), True, False, Fraction(1, 2), 1j, b"10", [10]],
)
def test_what_is_not_exact_is_no_amount(kess_client: kesspay.Client, given: object) -> None:
    with pytest.raises(TypeError, match="`total_amount`"):
        amount_of(kess_client, given)


def test_a_float_is_told_what_to_be(kess_client: kesspay.Client) -> None:
    with pytest.raises(TypeError) as raised:
        amount_of(kess_client, 10.5)
    assert str(raised.value) == (
        "`total_amount`: amounts are exact; pass decimal.Decimal(\"10.50\") or the text "
        "\"10.50\", not a float"
    )


@pytest.mark.parametrize(
    "given",
    [
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("-Infinity"),
        "NaN",
        "ten",
        "10,50",
        " 10",
        "",
        "1" * 40,
        Decimal("1E+999999"),
        Decimal("1E-999999"),
        pytest.param(10**5000, id="huge"),
        "0x10",
        "१०",
    ],
)
def test_what_is_no_number_is_refused(kess_client: kesspay.Client, given: object) -> None:
    with pytest.raises(kesspay.ValidationError, match="`total_amount`"):
        amount_of(kess_client, given)


def test_an_amount_has_no_more_decimals_than_its_currency(kess_client: kesspay.Client) -> None:
    with pytest.raises(kesspay.ValidationError, match="more decimals"):
        amount_of(kess_client, "10.505")
    with pytest.raises(ValueError, match="more decimals"):
        amount_of(kess_client, "10.5", "KHR")
    assert amount_of(kess_client, "10.00", "KHR") == "10"


@pytest.mark.parametrize("given", [123456, numpy.int64(123456), 1.5])
def test_text_is_never_a_number(kess_client: kesspay.Client, given: Any) -> None:
    with pytest.raises(TypeError) as raised:
        kess_client.verify_bank_account(bank_account_number=given, bic="ABAAKHPP")
    text = str(raised.value)
    assert text.startswith("`bank_account_number`: ") and "leading zeros" in text
    assert "123456" not in text and "1.5" not in text


@pytest.mark.parametrize("given", [b"000123456", ["000123456"], object(), True])
def test_text_is_str(kess_client: kesspay.Client, given: Any) -> None:
    with pytest.raises(TypeError, match="`bank_account_number`"):
        kess_client.verify_bank_account(bank_account_number=given, bic="ABAAKHPP")


def test_a_text_that_cannot_be_written_is_refused(kess_client: kesspay.Client) -> None:
    with pytest.raises(kesspay.ValidationError, match="`out_trade_no`"):
        kess_client.query_order(out_trade_no="A\ud800")


def test_flags_and_whole_numbers(kess_client: kesspay.Client) -> None:
    assert sent(kess_client, "get_txn_lists", page=numpy.int32(3))["page"] == "3"
    for wrong in (True, 1.0, "1", numpy.float64(1)):
        with pytest.raises(TypeError, match="`page`: a whole number"):
            kess_client.body("get_txn_lists", page=wrong)
    with pytest.raises(kesspay.ValidationError, match="`page`: .*out of range"):
        kess_client.body("get_txn_lists", page=2**70)
    with pytest.raises(TypeError, match="True or False"):
        kess_client.body("native_pay", only_deeplink=1, service_code="KESSKH", **ORDER)


ORDER = {"out_trade_no": "A-1", "body": "b", "total_amount": 1, "currency": "USD"}


def test_days(kess_client: kesspay.Client) -> None:
    day = {
        "start_date": date(2022, 1, 15), "end_date": date(2022, 1, 16), "per_page": 10, "page": 1
    }
    assert "2022-01-15" in sent(kess_client, "query_order_by_date_range", **day).values()
    for wrong in (datetime(2022, 1, 15), "2022-01-15", 20220115):
        with pytest.raises(TypeError, match="`start_date`: a date is needed"):
            kess_client.body("query_order_by_date_range", **{**day, "start_date": wrong})


def test_enumerations_take_members_and_text(kess_client: kesspay.Client) -> None:
    for bic in (kesspay.Bic.ABAAKHPP, "ABAAKHPP"):
        fields = {"bank_account_number": "000123456", "bic": bic}
        assert sent(kess_client, "verify_bank_account", **fields)["bic"] == "ABAAKHPP"
    with pytest.raises(TypeError, match="`bic`"):
        kess_client.verify_bank_account(bank_account_number="1", bic=1)  # type: ignore[arg-type]


def test_what_is_missing_and_what_is_too_much_is_named(kess_client: kesspay.Client) -> None:
    with pytest.raises(TypeError, match=r"query_order\(\) needs the argument `out_trade_no`$"):
        kess_client.body("query_order")
    with pytest.raises(TypeError, match=r"needs the argument `out_trade_no`; did you mean `out_tr"):
        kess_client.body("query_order", out_tradeno="A-1")
    with pytest.raises(TypeError, match=r"no argument `bod`; did you mean `body`\?"):
        kess_client.body("create_order", bod="b", **ORDER)
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        kess_client.query_order(out_trade_no="A-1", frobnicate=1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="no operation frobnicate"):
        kess_client.body("frobnicate")


def test_an_amount_and_its_currency_come_together(kess_client: kesspay.Client) -> None:
    with pytest.raises(TypeError, match="`currency`"):
        kess_client.body("create_order", out_trade_no="A-1", body="b", total_amount=1)


def test_records_go_where_they_belong(
    kess_client: kesspay.Client, customer: kesspay.Customer
) -> None:
    sealed = kess_client.seal(customer)
    assert sealed.kind == "Customer" and len(sealed.hex) == 512
    account: dict[str, Any] = {"bank_account_number": "000123456", "bic": "ABAAKHPP"}
    for given in (customer, sealed):
        kess_client.tokenize_bank_account(customer=given, **account)
    expiry = kesspay.CardExpiry(month="12", year="35")
    card = kesspay.Card(number="5123450000000008", security_code="100", expiry=expiry)
    with pytest.raises(TypeError, match="`customer`: a sealed Customer is needed, not a sealed Card"):
        kess_client.body("tokenize_bank_account", customer=kess_client.seal(card), **account)
    with pytest.raises(TypeError, match="`customer`: a Customer or Sealed is needed, not Card"):
        kess_client.body("tokenize_bank_account", customer=card, **account)
    with pytest.raises(TypeError, match="`customer`: a Customer or Sealed is needed, not dict"):
        kess_client.body("tokenize_bank_account", customer={}, **account)
    wrong = kesspay.Customer(
        phone_number=12345678,  # type: ignore[arg-type]
        email="dara@example.com",
        first_name="Sok",
        last_name="Dara",
    )
    with pytest.raises(TypeError, match="`customer`: `phone_number`: .*leading zeros"):
        kess_client.body("tokenize_bank_account", customer=wrong, **account)
    with pytest.raises(TypeError, match="a Customer or a Card can be sealed"):
        kess_client.seal(account)  # type: ignore[arg-type]


def test_a_record_inside_a_request(kess_client: kesspay.Client) -> None:
    setting = kesspay.Setting(enabled_payment_methods=["ABAAKHPP", kesspay.Bic.WING])
    written = sent(kess_client, "create_order", setting=setting, **ORDER)["setting"]
    assert written["enabled_payment_methods"] == ["ABAAKHPP", "WING"]
    with pytest.raises(TypeError, match=r"`setting`: `enabled_payment_methods`: \[1\]: text"):
        wrong = kesspay.Setting(enabled_payment_methods=["ABAAKHPP", 3])  # type: ignore[list-item]
        kess_client.body("create_order", setting=wrong, **ORDER)
    with pytest.raises(TypeError, match="`setting`: `enabled_payment_methods`: a list is needed"):
        kess_client.body("create_order", setting=kesspay.Setting(enabled_payment_methods="A"), **ORDER)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_is_a_time(kess_client: kesspay.Client, timeout: float) -> None:
    with pytest.raises(ValueError, match="`timeout`"):
        kess_client.query_order(out_trade_no="A-1", timeout=timeout)


def test_a_moment_is_in_utc(kess_client: kesspay.Client, kess_sandbox: kesspay.Sandbox) -> None:
    order = kess_client.create_order(out_trade_no="A-1", body="b", total_amount=1, currency="USD")
    assert isinstance(order.created_at, datetime)
    assert order.created_at.utcoffset() == timedelta(0)
    assert abs(datetime.now(timezone.utc) - order.created_at) < timedelta(minutes=5)
    assert order.total_amount == Decimal(1) and isinstance(order.total_amount, Decimal)
    assert order.currency is kesspay.Currency.USD
    assert order.status is kesspay.OrderStatus.WAITING
