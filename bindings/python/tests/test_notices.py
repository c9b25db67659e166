"""Signatures against the public vectors; notices, redirects and QR texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kesspay
import pytest
from kesspay.testing import sign_notice, sign_notice_json

VECTORS = Path(__file__).parents[3] / "spec" / "vectors" / "signing.json"


@pytest.mark.parametrize("vector", json.loads(VECTORS.read_text()), ids=lambda it: it["name"])
def test_every_public_vector_holds(vector: dict[str, Any]) -> None:
    signed = sign_notice_json(vector["key"], vector["params"], sign_type=vector["sign_type"])
    assert json.loads(signed)["sign"] == vector["sign"]


def client_with(secret: str) -> kesspay.Client:
    return kesspay.Client(
        base_url="sandbox",
        client_id="id",
        client_secret="secret",
        username="user",
        password="password",
        api_secret=secret,
    )


FIELDS = {
    "out_trade_no": "TR-1",
    "status": "SUCCESS",
    "total_amount": "10.5",
    "currency": "USD",
    "seller[code]": "CU12",
}


@pytest.mark.parametrize("sign_type", ["MD5", "HMAC-SHA256"])
def test_a_notice_is_believed_only_if_it_is_signed(sign_type: Any) -> None:
    client = client_with("api-secret")
    body = sign_notice("api-secret", FIELDS, sign_type=sign_type)
    notice = client.verify_notice(body)
    assert notice.out_trade_no == "TR-1" and notice.status is kesspay.OrderStatus.SUCCESS
    assert client.notice_fields(body).keys() == {*FIELDS, "sign", "sign_type"} - {"seller[code]"}
    for forged in (body.replace(b"10.5", b"99"), sign_notice("other", FIELDS), b"out_trade_no=TR-1"):
        with pytest.raises(kesspay.SignatureError):
            client.verify_notice(forged)
    with pytest.raises(kesspay.UnreadableReplyError):
        client.verify_notice(b"\xff")
    with pytest.raises(kesspay.UnreadableReplyError):
        client.verify_notice(sign_notice("api-secret", {"card_token": "x"}))
    assert client.notice_fields(sign_notice("api-secret", {"card_token": "x"}))["card_token"] == "x"
    as_json = sign_notice_json("api-secret", {"out_trade_no": "TR-1", "status": "NEW"})
    assert client.verify_notice(as_json).status == "NEW"
    with pytest.raises(ValueError, match="JSON object"):
        sign_notice_json("api-secret", "[]")


def test_the_sandbox_sends_notices_that_hold(kess_sandbox: kesspay.Sandbox) -> None:
    client = kess_sandbox.client()
    order = client.create_order(
        out_trade_no="TR-1",
        body="b",
        total_amount=1,
        currency="USD",
        notify_url="https://shop.example.com/notify",
    )
    client.close_order(out_trade_no="TR-1")
    assert order.token is not None
    notices = kess_sandbox.notices()
    assert [notice.state for notice in notices] == ["not_sent"]
    assert client.verify_notice(notices[0].body).status == "CLOSED"
    assert "out_trade_no" not in repr(notices[0])


def test_links() -> None:
    client = client_with("s")
    assert client.payment_link("a/b") == "https://devwebpayment.kesspay.io/pay/a%2Fb"
    assert client.card_token_link("t", "c d").endswith("/ccpay/t?card_token=c+d")
    assert client.base_url == "https://devwebpayment.kesspay.io" and client.seller_code is None


def test_redirects_prove_nothing_and_say_so() -> None:
    back = kesspay.parse_redirect("https://shop.example/back?success=1&out_trade_no=TR-1&token=abc")
    assert (back.claims_success, back.out_trade_no, back.token) == (True, "TR-1", "abc")
    assert "abc" not in repr(back)
    with pytest.raises(kesspay.UnreadableReplyError):
        kesspay.parse_redirect("https://shop.example/back")


def test_khqr(kess_client: kesspay.Client) -> None:
    merchant = kess_client.merchant_info()
    assert merchant.wallet is not None and merchant.user_id is not None
    made = kess_client.generate_khqr(
        wallet_ref=str(merchant.wallet.id), user_id=merchant.user_id, amount="2.50"
    )
    qr = kesspay.parse_khqr(made.qr_string)
    assert kesspay.crc_holds(made.qr_string) and kesspay.khqr_md5(made.qr_string) == made.md5
    assert str(qr.amount) == "2.5" and qr.fields[58] == "KH"
    assert qr.bakong_account_id is not None and qr.bakong_account_id not in repr(qr)
    wrong = made.qr_string[:-1] + ("0" if made.qr_string[-1] != "0" else "1")
    assert not kesspay.crc_holds(wrong)
    with pytest.raises(kesspay.UnreadableReplyError, match="CRC"):
        kesspay.parse_khqr(wrong)
