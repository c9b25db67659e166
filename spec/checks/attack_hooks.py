"""Hooks for schemathesis: most made-up requests get a token, known values and a right signature.

Made-up requests are refused at the door: no token, a wrong signature, a block that does not open.
Half of what happens behind the door would never run. So these hooks give most requests what a real
client would give them, and leave the rest as they are. What is done to a request is drawn from its
own contents, so that a run with the same seed is the same run.
"""

import hashlib
import hmac
import itertools
import json
import os
import random
import sys
import urllib.error
import urllib.request
from pathlib import Path

import schemathesis
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jsonschema import Draft202012Validator

SETTINGS = json.loads(os.environ["KESS_ATTACK"])
DOCUMENT = json.loads((Path(__file__).resolve().parent.parent / "openapi.json").read_text("utf-8"))
GATEWAY = "/api/mch/v2/gateway"
SCHEMAS = DOCUMENT["components"]["schemas"]
KEY = load_pem_public_key(SETTINGS["KESS_PUBLIC_KEY"].encode())
NUMBERS = itertools.count(1)
NEW = object()
SEEN = {}

CUSTOMER = {
    "phone_number": "012345678", "email": "sok.dara@example.com",
    "first_name": "Sok", "last_name": "Dara",
}
CARD = {
    "number": "4111111111111111", "securityCode": "123",
    "expiry": {"month": "12", "year": "35"},
}


def mapping():
    """The schema of the request of each service."""
    schema = DOCUMENT["paths"][GATEWAY]["post"]["requestBody"]["content"]["application/json"]
    pairs = schema["schema"]["discriminator"]["mapping"].items()
    return {service: SCHEMAS[pointer.rsplit("/", 1)[1]] for service, pointer in pairs}


SERVICES = mapping()


def schema_of(body):
    """The service that a body names, with the schema of its request; nothing if it names none."""
    service = body.get("service") if isinstance(body, dict) else None
    return (service, SERVICES.get(service)) if isinstance(service, str) else (None, None)


def seal(block):
    """The block in JSON, encrypted with the merchant's key, in hex."""
    return KEY.encrypt(json.dumps(block).encode(), PKCS1v15()).hex()


def post(path, body, headers):
    request = urllib.request.Request(
        SETTINGS["KESS_BASE_URL"] + path, json.dumps(body).encode(),
        {"Content-Type": "application/json", "Accept": "application/json", **headers},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)


def fetch_token():
    names = ("client_id", "client_secret", "username", "password")
    grant = {name: SETTINGS[f"KESS_{name.upper()}"] for name in names}
    return post("/oauth/token", {"grant_type": "password", **grant}, {})["access_token"]


def sign(body):
    """Signs as the documentation's routine does, over what PHP prints for each scalar."""
    body["sign_type"] = "HMAC-SHA256"
    pairs = []
    for key in sorted(body, key=lambda key: key.encode()):
        value = body[key]
        if isinstance(value, str):
            value = value.strip()
        if key == "sign" or value is None or value == "" or isinstance(value, (list, dict)):
            continue
        pairs.append(f"{key}={printed(value)}")
    text = "&".join(pairs).strip("&") + "&key=" + SETTINGS["KESS_API_SECRET_KEY"]
    secret = SETTINGS["KESS_API_SECRET_KEY"].encode()
    body["sign"] = hmac.new(secret, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def printed(value):
    """What PHP prints for a scalar."""
    if isinstance(value, bool):
        return "1" if value else ""
    return f"{value:.14G}" if isinstance(value, float) else str(value)


TOKEN = fetch_token()
AUTHORIZATION = {"Authorization": f"Bearer {TOKEN}"}


def call(service, **fields):
    """A call as a client would make it: the `data` of its answer, or nothing if it was refused."""
    body = {"service": service, "seller_code": SETTINGS["KESS_SELLER_CODE"], **fields}
    sign(body)
    try:
        return post(GATEWAY, body, AUTHORIZATION).get("data") or {}
    except urllib.error.HTTPError as refusal:
        print(f"{service}: {refusal.code} {refusal.read().decode()[:200]}", file=sys.stderr)
        return {}


def known_values():
    """Values that the sandbox knows, by the name of the field."""
    account = {"bank_account_number": "000123456", "bic": "ABAAKHPP"}
    money = {"total_amount": 10, "currency": "USD"}
    merchant = call("webpay.acquire.merchantinfo")
    wallets = [wallet["id"] for wallet in merchant.get("multi_wallets", [])]
    user = merchant.get("user_id")
    token = call("webpay.acquire.tokenizebankaccount", customer=seal(CUSTOMER), **account)
    order = call("webpay.acquire.createOrder", out_trade_no="KNOWN-1", body="an order", **money)
    kiosk = call("webpay.acquire.kioskCreateOrder", out_trade_no="KNOWN-2", body="tap", **money)
    card = call("webpay.acquire.createVirtualCard", trans_limit_amount=100, purchase_type="xxx",
                cumulative_limit=10, valid_for=12, max_trans=10, currency="USD",
                description="a card", wallet_id=wallets[0] if wallets else None)
    khqr = call("webpay.acquire.generateKhqr", wallet_ref=wallets[0] if wallets else None,
                user_id=user, amount=1)
    known = {
        "seller_code": [SETTINGS["KESS_SELLER_CODE"]],
        "bank_account_number": [account["bank_account_number"]],
        "bank_account": [account["bank_account_number"]],
        "bic": [account["bic"], "ACLBKHPP"],
        "service_code": [account["bic"], "ACLBKHPP"],
        "bank_account_token": [token.get("token")],
        "customer": [seal(CUSTOMER)],
        "card": [seal(CARD)],
        "currency": ["USD", "KHR"],
        "total_amount": [1, 10.5, "2.50", 4000],
        "amount": [1, 2.5],
        "user_id": [user],
        "wallet_ref": wallets,
        "wallet_id": wallets,
        "from_wallet_id": wallets[:1],
        "to_wallet_id": wallets[-1:],
        "out_trade_no": ["KNOWN-1", NEW],
        "token": [order.get("token")],
        "pre_order_id": [kiosk.get("pre_order_id")],
        "purchase_req_id": [card.get("purchase_req_id") or card.get("purchaseRequestId")],
        "qrcode": [khqr.get("qr_string")],
        "start_date": ["2020-01-01"],
        "end_date": ["2040-01-01"],
        "page": [1],
        "per_page": [10],
    }
    # No notices to addresses that were made up.
    nowhere = {name: ["http://127.0.0.1:9/notice"] for name in ("notify_url", "callback_url")}
    return {name: values for name, values in known.items() if values and values[0]} | nowhere


KNOWN = known_values()


def draw(body):
    """A source of chance that belongs to this request."""
    return random.Random(json.dumps(body, sort_keys=True, default=str))


@schemathesis.hook
def before_call(ctx, case, **kwargs):
    body = case.body
    if case.operation.path != GATEWAY or not isinstance(body, dict):
        return
    chance = draw(body)
    if chance.random() < 0.05:
        return
    case.headers = {**(case.headers or {}), **AUTHORIZATION, "Accept": "application/json"}
    if chance.random() < 0.05:
        return
    body = dict(body)
    if chance.random() < 0.8:
        fill(body, chance)
    sign(body)
    case.body = body


def fill(body, chance):
    """Puts known values in place of made-up ones, most of the time; adds what is required."""
    _, schema = schema_of(body)
    if schema is None:
        return
    names = set(body) | set(schema["required"])
    for name in sorted(names & set(schema["properties"]) & set(KNOWN)):
        if chance.random() < 0.9:
            value = chance.choice(KNOWN[name])
            body[name] = f"ATTACK-{next(NUMBERS)}" if value is NEW else value


@schemathesis.check
def reply_fits_its_service(ctx, response, case):
    """A success has the data that the document says for the service that was asked."""
    service, schema = schema_of(case.body)
    if case.operation.path != GATEWAY or schema is None:
        return
    SEEN.setdefault(service, 0)
    try:
        reply = response.json()
    except ValueError:
        return
    if response.status_code == 200 and isinstance(reply, dict) and reply.get("success") is True:
        SEEN[service] += 1
        whole = {**schema["x-reply"], "components": DOCUMENT["components"]}
        errors = list(Draft202012Validator(whole).iter_errors(reply))
        if errors:
            where = "/".join(map(str, errors[0].absolute_path))
            raise AssertionError(f"{service}: {where}: {errors[0].message[:300]}")
    Path(os.environ["KESS_ATTACK_SEEN"]).write_text(json.dumps(SEEN), encoding="utf-8")
