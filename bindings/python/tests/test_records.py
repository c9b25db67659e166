"""Records, enumerations and what help() says about them."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import pydoc
import typing

import kesspay
import pytest
from kesspay import enums, records


def test_an_open_enumeration_keeps_what_it_does_not_know() -> None:
    new = kesspay.OrderStatus("BRAND_NEW")
    assert new == "BRAND_NEW" and new.value == "BRAND_NEW" and not new.is_known
    assert new == kesspay.OrderStatus(" BRAND_NEW ")
    assert "BRAND_NEW" in {new} and hash(new) == hash("BRAND_NEW")
    assert f"{new}" == str(new) == "BRAND_NEW" and f"{new:>10}" == " BRAND_NEW"
    assert repr(new) == "OrderStatus('BRAND_NEW')"
    assert json.dumps([new]) == '["BRAND_NEW"]'
    assert isinstance(new, str) and isinstance(new, kesspay.OrderStatus)
    assert "BRAND_NEW" not in [status.value for status in kesspay.OrderStatus]
    for again in (pickle.loads(pickle.dumps(new)), copy.copy(new), copy.deepcopy(new)):
        assert again == new and type(again) is type(new)
    with pytest.raises(ValueError):
        kesspay.OrderStatus(7)


@pytest.mark.parametrize("name", enums.__all__)
def test_listed_values_are_members(name: str) -> None:
    enumeration = getattr(enums, name)
    assert enumeration.__doc__
    for member in enumeration:
        assert member.is_known and enumeration(member.value) is member
        assert pickle.loads(pickle.dumps(member)) is member
        assert f"{member}" == str(member) == member.value and hash(member) == hash(member.value)
        assert repr(member) == f"{name}.{member.name}"


def test_currencies() -> None:
    assert kesspay.Currency("usd") is kesspay.Currency.USD
    assert (kesspay.Currency.USD.exponent, kesspay.Currency.KHR.exponent) == (2, 0)
    assert pickle.loads(pickle.dumps(kesspay.Currency("THB"))) == "THB"


def test_records_are_values(kess_client: kesspay.Client) -> None:
    account: dict[str, typing.Any] = {"bank_account_number": "000123456", "bic": "ABAAKHPP"}
    one, other = (kess_client.verify_bank_account(**account) for _ in range(2))
    assert one == other and hash(one) == hash(other) and one is not other
    for again in (pickle.loads(pickle.dumps(one)), copy.copy(one), copy.deepcopy(one)):
        assert again == one and type(again) is type(one)
    assert pickle.loads(pickle.dumps(one)).reply is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.owner_name = "X"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        one.reply = None  # type: ignore[misc]
    assert dataclasses.replace(one, owner_name="X").owner_name == "X"
    methods = kess_client.get_payment_methods()
    assert isinstance(methods, list) and methods.reply is not None and len(methods) > 0
    assert pickle.loads(pickle.dumps(methods)) == methods


@pytest.mark.parametrize("name", records.__all__)
def test_records_are_described(name: str) -> None:
    record = getattr(records, name)
    assert record.__doc__ and not record.__doc__.startswith(f"{name}(")
    assert typing.get_type_hints(record)
    assert record._sensitive <= {field.name for field in dataclasses.fields(record)}


def test_help_has_what_a_person_needs() -> None:
    text = pydoc.plain(pydoc.render_doc(kesspay.Client.withdraw))
    for word in ("out_trade_no: ", "Decimal | int | str", "Raises:", "UnknownOutcomeError", "Example:"):
        assert word in text
    assert "query_order" in pydoc.plain(pydoc.render_doc(kesspay.Client))
    for name in kesspay.__all__:
        if name != "__version__":
            assert getattr(kesspay, name) is not None
            assert pydoc.render_doc(f"kesspay.{name}")
