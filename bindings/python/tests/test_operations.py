"""Every operation, waited for and awaited: what goes out, and what comes back."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import kesspay
import pytest
from generated_operations import COMPLETE, ITERATED, REPLIES, REQUIRED
from kesspay._operations import AsyncOperations, Operations
from scripted import Answer, Scripted, success

EXAMPLES = Path(__file__).parents[3] / "spec" / "examples"


def operations(of: type) -> set[str]:
    names = vars(of).keys()
    return {name for name in names if not name.startswith(("_", "iter_"))}


def test_no_operation_is_left_out() -> None:
    names = operations(Operations)
    assert names == operations(AsyncOperations)
    assert names == REQUIRED.keys() == COMPLETE.keys()
    for name in names:
        of = [getattr(client, name) for client in (kesspay.Client, kesspay.AsyncClient)]
        waited, awaited = (list(inspect.signature(method).parameters.values()) for method in of)
        assert waited == awaited and waited[-1].name == "timeout"
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in waited[1:])
        assert all(inspect.getdoc(method) for method in of)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[kesspay.Sandbox]:
    with kesspay.Sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_arguments_become_fields(name: str, sandbox: kesspay.Sandbox) -> None:
    client = sandbox.client()
    required, complete = REQUIRED[name], COMPLETE[name]
    assert required.keys() <= complete.keys()
    fewer, more = (json.loads(client.body(name, **given)) for given in (required, complete))
    assert len(more["sign"]) == 64
    assert len(more) >= len(fewer) and fewer.keys() <= more.keys()
    # What is None is left out, as if it had not been said.
    nothing = {field: None for field in complete.keys() - required.keys()}
    assert json.loads(client.body(name, **required, **nothing)).keys() == fewer.keys()


def answering(name: str) -> Answer:
    return Answer(200, (EXAMPLES / name).read_bytes(), x_request_id="r-1")


def scalars(value: Any) -> Iterator[Any]:
    """Everything that stands somewhere in an answer."""
    if is_dataclass(value):
        for field in fields(value):
            yield from scalars(getattr(value, field.name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from scalars(item)
    else:
        yield value


@pytest.mark.parametrize(("operation", "sample"), REPLIES)
def test_samples_of_replies_are_read(
    operation: str, sample: str, sandbox: kesspay.Sandbox
) -> None:
    key = sandbox.environment["KESS_PUBLIC_KEY"]
    with Scripted(lambda _: answering(sample)) as gateway:
        with gateway.client(public_key=key) as client:
            answer = getattr(client, operation)(**REQUIRED[operation])
        awaited = asyncio.run(
            getattr(gateway.async_client(public_key=key), operation)(**REQUIRED[operation])
        )
    assert answer == awaited and type(answer) is type(awaited)
    assert answer.reply is not None and answer.reply.body == answering(sample).body
    assert answer.reply.request_id == "r-1"
    for value in scalars(answer):
        assert not isinstance(value, float), operation
    assert "0x" not in repr(answer)


def page_of(fields: dict[str, Any]) -> Answer:
    page = int(fields["page"])
    rows = [{"out_trade_no": f"A-{page}", "status": "SUCCESS", "total_amount": page, "currency": "USD"}]
    return success({"data": rows, "current_page": page, "last_page": 3, "total": 3, "per_page": 1})


def test_pages_are_asked_for_one_by_one() -> None:
    arguments: dict[str, Any] = REQUIRED["query_order_by_date_range"]
    with Scripted(page_of) as gateway, gateway.client() as client:
        rows = client.iter_query_order_by_date_range(**arguments)
        assert not gateway.calls
        assert next(rows).out_trade_no == "A-1" and len(gateway.calls) == 1
        assert [row.total_amount for row in rows] == [Decimal(2), Decimal(3)]
        assert len(gateway.calls) == 3

        page = client.query_order_by_date_range(**arguments)
        assert (page.current_page, page.last_page, len(page.items)) == (1, 3, 1)
        assert page.reply is not None and page.items[0].reply is None

        async def rows_awaited() -> list[str]:
            rows = client.asynchronous().iter_query_order_by_date_range(**arguments)
            return [row.out_trade_no async for row in rows]

        assert asyncio.run(rows_awaited()) == ["A-1", "A-2", "A-3"]
        with pytest.raises(TypeError, match="`page`"):
            client.iter_query_order_by_date_range(**{**arguments, "page": "1"})
        with pytest.raises(ValueError, match="in pieces"):
            client._gateway.pages("query_order", {"out_trade_no": "A-1"})


def test_a_gateway_that_answers_the_same_page_for_ever_is_given_up() -> None:
    same = page_of({"page": 1})
    with Scripted(lambda _: same) as gateway, gateway.client() as client:
        arguments: dict[str, Any] = REQUIRED["query_order_by_date_range"]
        rows = client.iter_query_order_by_date_range(**arguments)
        with pytest.raises(kesspay.UnreadableReplyError, match="again and again"):
            list(rows)


def test_ranges_are_asked_for_one_by_one() -> None:
    sample = json.loads((EXAMPLES / "get_virtual_card_report.documented.reply.json").read_bytes())

    def range_of(fields: dict[str, Any]) -> Answer:
        row = {**sample["data"]["tranInfos"][0], "purchaseRequestId": fields["from"]}
        more = int(fields["from"]) < 2
        return success({**sample["data"], "tranInfos": [row], "hasMore": more})

    with Scripted(range_of) as gateway, gateway.client() as client:
        arguments: dict[str, Any] = REQUIRED["get_virtual_card_report"]
        rows = client.iter_get_virtual_card_report(**{**arguments, "from_": 0, "to": 1})
        assert [row.purchase_request_id for row in rows] == ["0", "1", "2"]


def test_what_comes_in_pieces_can_be_iterated() -> None:
    for client in (kesspay.Client, kesspay.AsyncClient):
        found = {name for name in dir(client) if name.startswith("iter_")}
        assert found == {f"iter_{name}" for name in ITERATED}


def test_json_of_no_known_shape_keeps_its_digits() -> None:
    text = b'{"success":true,"data":{"rate":0.1000,"big":%s,"n":7,"list":[1.5,null,true]}}'
    answer = Answer(200, text % (b"9" * 5000))
    with Scripted(lambda _: answer) as gateway, gateway.client() as client:
        untyped = client.get_subscriptions()
    assert isinstance(untyped, kesspay.Untyped) and isinstance(untyped.value, dict)
    assert str(untyped.value["rate"]) == "0.1000"
    assert untyped.value["big"] == Decimal("9" * 5000)
    assert untyped.value["n"] == 7
    assert untyped.value["list"] == [Decimal("1.5"), None, True]
    assert repr(untyped) == "Untyped(value=[masked])"


def same(answer: Answer, _: dict[str, Any]) -> Answer:
    return answer


def test_times_of_an_unknown_form_are_kept_as_text() -> None:
    order = {"out_trade_no": "A", "status": "NEW", "total_amount": "1", "currency": "thb"}
    for text, known in [
        ("2022-07-18 17:44:53", "2022-07-18 10:44:53+00:00"),
        ("2022-07-18T10:44:53.123456Z", "2022-07-18 10:44:53.123456+00:00"),
        ("next week", "next week"),
        ("-000044-03-15T00:00:00Z", "-000044-03-15T00:00:00Z"),
    ]:
        answer = success({**order, "created_at": text})
        with Scripted(partial(same, answer)) as gateway, gateway.client() as client:
            read = client.query_order(out_trade_no="A")
        assert str(read.created_at) == known
    assert read.status == "NEW" and not read.status.is_known
    assert read.currency == "thb" and read.currency.exponent is None
