"""Every operation against the sandbox, in both styles: understood there, answered with a signature
that holds, and read without a loss."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

import kesspay
import pytest
from generated_operations import ITERATED, REQUIRED

Call = Callable[..., Awaitable[Any]]

CUSTOMER = kesspay.Customer(
    phone_number="012345678", email="dara@example.com", first_name="Sok", last_name="Dara"
)
CARD = kesspay.Card(
    number="5123450000000008",
    security_code="100",
    expiry=kesspay.CardExpiry(month="12", year="35"),
)
MONEY: dict[str, Any] = {"total_amount": "10.50", "currency": "USD"}


class Caller:
    """Calls operations by name, waiting or awaiting, and remembers which."""

    def __init__(self, client: kesspay.Client | kesspay.AsyncClient) -> None:
        self._client = client
        self.called: set[str] = set()

    async def __call__(self, operation: str, **fields: Any) -> Any:
        """The answer; `None` where there is no such record, which is an answer, too."""
        self.called.add(operation)
        try:
            answer = getattr(self._client, operation)(**fields)
            answer = await answer if inspect.isawaitable(answer) else answer
        except kesspay.NotFoundError as error:
            assert error.outcome == "answered" and error.operation == operation
            return None
        assert answer.reply.status == 200 and answer.reply.signature == "data", operation
        assert "0x" not in repr(answer)
        return answer

    async def rows(self, operation: str, **fields: Any) -> list[Any]:
        """All rows of what comes in pieces."""
        self.called.add(operation)
        rows = getattr(self._client, f"iter_{operation}")(**fields)
        return [row async for row in rows] if hasattr(rows, "__aiter__") else list(rows)


async def merchants_and_bakong(call: Caller) -> None:
    merchant = await call("merchant_info")
    user = await call(
        "add_user_under_merchant", first_name="Sok", last_name="Dara",
        phone_number="010999888", email="new@example.com", muser_identity="N-1",
    )
    assert (await call("user_profile", muser_identity="N-1")).user_id == user.user_id
    assert len(await call.rows("get_user_under_merchant", page=1)) == 1

    def wallet(of: Any) -> str:
        found = next(it.id for it in of.multi_wallets if it.currency == kesspay.Currency.USD)
        assert isinstance(found, str)
        return found

    await call(
        "money_transfer", amount=Decimal("1.25"), currency="USD",
        from_wallet_id=wallet(merchant), to_wallet_id=wallet(user),
    )
    moved = await call.rows("get_txn_lists", page=1)
    detail = await call("get_txn_detail", transaction_ref=moved[0].transaction_ref)
    assert detail is not None
    assert await call("get_bakong_members")
    qr = await call(
        "generate_khqr", wallet_ref=wallet(merchant), user_id=merchant.user_id, amount=2
    )
    assert kesspay.khqr_md5(qr.qr_string) == qr.md5 and kesspay.crc_holds(qr.qr_string)
    await call("decode_khqr", qrcode=qr.qr_string)
    await call("pay_khqr", amount=2, currency="USD", qrcode=qr.qr_string)


async def orders(call: Caller) -> None:
    assert await call("get_payment_methods")
    created = await call("create_order", out_trade_no="TR-1", body="ប្រាក់ខែ & more", **MONEY)
    assert created.token in created.payment_link
    order = await call("query_order", out_trade_no="TR-1")
    assert order.total_amount == Decimal("10.50") and order.currency == kesspay.Currency.USD
    assert order.body == "ប្រាក់ខែ & more" and order.status == "WAITING"
    await call("close_order", out_trade_no="TR-1")
    await call("native_pay", out_trade_no="TR-2", body="Tea", service_code="KESSKH", **MONEY)
    await call(
        "quick_pay", out_trade_no="TR-3", auth_code="134567890", body="Tea",
        service_code="WECHAT", **MONEY,
    )
    await call("direct_pay", out_trade_no="TR-4", body="Tea", card=CARD, **MONEY)
    await call(
        "v2_refund", out_trade_no="TR-3", reason="cold", partial_refund_amount=1,
        partial_refund_amount_ccy="USD",
    )
    await call("query_refund", out_trade_no="TR-3")
    listed = await call.rows(
        "query_order_by_date_range", start_date=date(2020, 1, 1), end_date=date(2100, 1, 1),
        per_page=2, page=1,
    )
    assert {row.out_trade_no for row in listed} == {"TR-1", "TR-2", "TR-3", "TR-4"}


async def cards_kiosk_and_subscriptions(call: Caller) -> None:
    await call("save_card", notify_url="https://shop.example/notify")
    kiosk = await call("kiosk_create_order", out_trade_no="KI-1", body="Tea", **MONEY)
    await call("confirm_kiosk_order", pre_order_id=kiosk.pre_order_id or "none")
    made = await call(
        "create_virtual_card", trans_limit_amount=10, currency="USD", purchase_type="Shop",
        cumulative_limit=100, valid_for=12, max_trans=5, description="a card",
    )
    card = str(made.purchase_request_id)
    assert await call("get_virtual_cards")
    await call("get_virtual_card_balance", purchase_req_id=card)
    await call("get_virtual_card_detail", purchase_req_id=card)
    await call.rows("get_virtual_card_report", purchase_req_id=card, from_=0, to=1)
    await call("generate_subscription_link", out_trade_no="SU-1", interval="monthly", **MONEY)
    await call(
        "subscription", pre_order_token="none", holder_name="Sok Dara", card=CARD,
        interval="monthly",
    )
    await call("get_subscriptions")
    await call("get_subscription_trxs")
    await call("cancel_subscription", code="SUB-1")
    await call("re_active_subscription", subscription_code="SUB-1")


async def payouts(call: Caller, sandbox: kesspay.Sandbox) -> None:
    account: dict[str, Any] = {"bank_account_number": "000123456", "bic": "ABAAKHPP"}
    assert (await call("verify_bank_account", **account)).currency == kesspay.Currency.USD
    token = (await call("tokenize_bank_account", customer=CUSTOMER, **account)).token
    paid = await call(
        "withdraw", out_trade_no="WD-1", bank_account_token=token, customer=CUSTOMER, **MONEY
    )
    assert paid.total_amount == Decimal("-10.50")
    await call(
        "withdraw_by_bank_number", out_trade_no="WD-2", bic="ABAAKHPP", bank_account="000123456",
        customer=CUSTOMER, **MONEY,
    )
    assert [row.moved for row in sandbox.ledger().rows] == [Decimal("10.50")] * 2


@pytest.mark.parametrize("style", ["wait", "await"])
def test_every_operation_is_understood(kess_sandbox: kesspay.Sandbox, style: str) -> None:
    client = kess_sandbox.client(reply_signature="enforce")
    call = Caller(client if style == "wait" else client.asynchronous())

    async def day() -> None:
        await merchants_and_bakong(call)
        await orders(call)
        await cards_kiosk_and_subscriptions(call)
        await payouts(call, kess_sandbox)

    asyncio.run(day())
    assert call.called == REQUIRED.keys()
    assert set(ITERATED) <= call.called


def test_a_reply_whose_signature_does_not_hold_is_told(kess_sandbox: kesspay.Sandbox) -> None:
    client = kess_sandbox.client(api_secret="of somebody else")
    with pytest.raises(kesspay.Error) as raised:
        client.merchant_info()
    assert "of somebody else" not in str(raised.value)
