"""A stranger's gateway.

It was written from the gateway's documentation alone, by hand, with nothing but Python's standard
library, and shares no line with the client or with the project's own sandbox. It exists to
disagree: whatever both of those got wrong in the same way, this one does not know about.

What it checks on every call it writes down as a *problem*: a wrong signature, a sealed block that
does not open, a field that the documentation requires and that is not there, a withdrawal that is
sent again without a query in between, a second order for an account whose first may have moved
money. The ledger holds what really moved, once for each booking.
"""

import hashlib
import hmac
import json
import random
import re
import socket
import subprocess
import threading
import time
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

API_SECRET = "stranger-api-secret"
SELLER = "CU0000-STRANGER"
CLIENT_ID, CLIENT_SECRET = "stranger-client", "stranger-client-secret"
USERNAME, PASSWORD = "stranger", "stranger-password"

ERRORS = {
    400: ("VALIDATION_ERROR", "Validation error."),
    401: ("UNAUTHENTICATED", "Unauthenticated."),
    403: ("FORBIDDEN", "Access denied."),
    404: ("NOT_FOUND", "Record not found."),
    409: ("DUPLICATED", "Existing record found."),
    422: ("PROCESS_FAILED", "Sub-process failed."),
    429: ("TOO_MANY", "Too Many Attempts."),
    500: ("SYSTEM_ERROR", "Internal server error."),
    503: ("FEATURE_UNDER_MAINTENANCE", "Feature is under maintenance."),
    504: ("GATEWAY_TIMEOUT", "Gateway time-out."),
}

# Faults of the kind "before" strike before anything is booked, those of the kind "after" when it
# is.
BEFORE = ["cut", "500", "503", "504", "429", "html", "422"]
AFTER = ["cut", "half", "500", "504", "502html", "429", "422", "empty"]


def php_scalar(value):
    """A value as PHP prints it when it is joined to a string."""
    if value is True:
        return "1"
    if value is False:
        return ""
    if isinstance(value, float):
        text = "%.14G" % value
        mantissa, _, exponent = text.partition("E")
        if exponent:
            sign, digits = exponent[0], exponent[1:].lstrip("0")
            if "." not in mantissa:
                mantissa += ".0"
            return f"{mantissa}E{sign}{digits}"
        return text
    return str(value)


def make_sign(params, key):
    """The routine under "Signature algorithm" of the documentation, word for word."""
    kept = {k: v for k, v in params.items() if v is not None}
    joined = "".join(
        f"{k}={php_scalar(kept[k])}&"
        for k in sorted(kept, key=lambda k: k.encode())
        if k != "sign" and kept[k] != "" and not isinstance(kept[k], (list, dict))
    ).strip("&")
    text = f"{joined}&key={key}".encode()
    if params["sign_type"] == "MD5":
        return hashlib.md5(text).hexdigest()
    return hmac.new(key.encode(), text, "sha256").hexdigest()


class KeyPair:
    """An RSA key made by openssl; opening is plain arithmetic."""

    def __init__(self, directory):
        private, public = directory / "private.pem", directory / "public.pem"
        run = lambda *a: subprocess.run(a, check=True, capture_output=True, text=True).stdout
        run("openssl", "genrsa", "-out", str(private), "2048")
        run("openssl", "rsa", "-in", str(private), "-pubout", "-out", str(public))
        text = run("openssl", "rsa", "-in", str(private), "-noout", "-text")
        number = lambda name: int(
            re.search(name + r":\s*\n((?:\s+[0-9a-f:]+\n)+)", text)
            .group(1)
            .replace(":", "")
            .replace("\n", "")
            .replace(" ", ""),
            16,
        )
        self.n, self.p, self.q = number("modulus"), number("prime1"), number("prime2")
        self.dp, self.dq, self.qinv = (
            number("exponent1"),
            number("exponent2"),
            number("coefficient"),
        )
        self.public_path = public
        self.opened = {}

    def open(self, hex_text):
        """The JSON inside a sealed block, or ValueError."""
        if hex_text not in self.opened:
            if not re.fullmatch(r"[0-9a-f]{512}", hex_text):
                raise ValueError("a sealed block is 512 lower-case hex digits")
            cipher = int(hex_text, 16)
            m1, m2 = pow(cipher, self.dp, self.p), pow(cipher, self.dq, self.q)
            plain = m2 + ((m1 - m2) * self.qinv % self.p) * self.q
            block = plain.to_bytes(256, "big")
            if block[:2] != b"\x00\x02":
                raise ValueError("not PKCS#1 v1.5")
            self.opened[hex_text] = json.loads(block[block.index(0, 2) + 1 :])
        return self.opened[hex_text]


class Gateway:
    """State, rules and faults. Every public method runs under one lock."""

    def __init__(
        self, directory, seed=0, faults=0.0, otp_every=0, token_life=1800, directory_of_names=None
    ):
        self.key = KeyPair(directory)
        self.random = random.Random(seed)
        self.faults, self.otp_every, self.token_life = faults, otp_every, token_life
        self.names = directory_of_names or {}
        self.lock = threading.RLock()
        self.access, self.refresh = {}, {}
        self.bank_tokens, self.orders, self.late = {}, {}, []
        self.ledger, self.problems, self.log = [], [], []
        self.asked_since_sent, self.sent = {}, {}
        self.orders_of_account, self.hits, self.calls = {}, {}, {}

    # -- OAuth ---------------------------------------------------------------------------------

    def token(self, body):
        with self.lock:
            if body.get("client_id") != CLIENT_ID or body.get("client_secret") != CLIENT_SECRET:
                return 401, {"error": "invalid_client", "message": "Client authentication failed"}
            grant = body.get("grant_type")
            if grant == "password":
                if (body.get("username"), body.get("password")) != (USERNAME, PASSWORD):
                    return 400, {
                        "error": "invalid_grant",
                        "error_description": "The user credentials were incorrect.",
                    }
            elif grant == "refresh_token":
                if self.refresh.pop(body.get("refresh_token"), 0) < time.monotonic():
                    return 401, {
                        "error": "invalid_request",
                        "message": "The refresh token is invalid.",
                    }
            else:
                return 400, {"error": "unsupported_grant_type"}
            access, refresh = (f"{self.random.getrandbits(160):040x}" for _ in range(2))
            self.access[access] = time.monotonic() + self.token_life
            self.refresh[refresh] = time.monotonic() + self.token_life + 900
            return 200, {
                "token_type": "Bearer",
                "expires_in": str(self.token_life),
                "access_token": access,
                "refresh_token": refresh,
            }

    # -- services ------------------------------------------------------------------------------

    def call(self, bearer, body):
        """(status, reply, fault) where the fault says how the reply is to be spoilt."""
        with self.lock:
            self.book_late()
            service = str(body.get("service", ""))
            self.calls[service] = self.calls.get(service, 0) + 1
            if self.access.get(bearer, 0) < time.monotonic():
                return 401, self.failure(401), None
            if body.get("sign_type") not in ("MD5", "HMAC-SHA256") or body.get("sign") != make_sign(
                body, API_SECRET
            ):
                self.problem("signature", service)
                return 400, self.failure(400), None
            handler = {
                "webpay.acquire.merchantinfo": self.merchant_info,
                "webpay.acquire.verifybankaccount": self.verify,
                "webpay.acquire.tokenizebankaccount": self.tokenize,
                "webpay.acquire.withdraw": self.withdraw,
                "webpay.acquire.withdrawByBankNumber": self.withdraw,
                "webpay.acquire.queryOrder": self.query,
                "webpay.acquire.closeorder": self.close,
            }.get(service)
            if handler is None:
                self.problem("service", service)
                return 404, self.failure(404), None
            money = "withdraw" in service
            if money:
                self.note_send(body)
            fault = self.draw(BEFORE) if self.random.random() < self.faults else None
            if fault and money and fault == "cut" and self.random.random() < 0.3:
                # The worst of all: the connection is gone, nothing is booked yet, and a moment
                # later it is.
                self.late.append((time.monotonic() + 0.05, body))
                self.hit("booked late")
                return 0, None, "cut"
            if fault:
                self.hit(f"before {fault}")
                return (0, None, "cut") if fault == "cut" else self.spoilt(fault)
            status, reply = handler(body)
            if status == 200 and self.random.random() < self.faults:
                fault = self.draw(AFTER)
                self.hit(f"after {fault}")
                return (status, reply, fault) if fault in ("cut", "half") else self.spoilt(fault)
            return status, reply, None

    def draw(self, kinds):
        return self.random.choice(kinds)

    def spoilt(self, fault):
        if fault in ("html", "502html"):
            return 502, "<html><body><h1>502 Bad Gateway</h1></body></html>", None
        if fault == "empty":
            return 200, "", None
        status = int(fault)
        return status, self.failure(status), None

    def hit(self, name):
        self.hits[name] = self.hits.get(name, 0) + 1

    def problem(self, kind, detail):
        self.problems.append({"kind": kind, "detail": detail})

    def failure(self, status):
        code, message = ERRORS[status]
        return {"success": False, "code": code, "message": message}

    def ok(self, data):
        scalars = {k: v for k, v in data.items() if not isinstance(v, (list, dict))}
        return 200, {
            "success": True,
            "data": data,
            "sign": make_sign({**scalars, "sign_type": "MD5"}, API_SECRET),
            "sign_type": "MD5",
        }

    def need(self, body, *names):
        missing = [n for n in names if body.get(n) in (None, "")]
        for name in missing:
            self.problem("missing field", f"{body.get('service')} without {name}")
        return not missing

    def customer(self, body):
        try:
            customer = self.key.open(body["customer"])
        except (ValueError, KeyError) as error:
            self.problem("sealed block", f"{body.get('service')}: {error}")
            return False
        for name in ("phone_number", "email", "first_name", "last_name"):
            if not customer.get(name):
                self.problem("sealed block", f"{body.get('service')}: customer without {name}")
        return True

    def merchant_info(self, body):
        wallet = lambda n, c: {
            "id": f"CW-{n}",
            "balance": 10**12,
            "currency": c,
            "account_number": f"00002491{n}",
            "funds_type": "MAIN",
        }
        wallets = [wallet(6, "USD"), wallet(7, "KHR")]
        return self.ok(
            {
                "id": 1,
                "user_id": SELLER,
                "phone_number": "010000000",
                "email": "m@example.com",
                "full_name": "Merchant",
                "muser_identity": None,
                "created_at": "2025-01-13 09:32:21",
                "wallet": wallets[0],
                "multi_wallets": wallets,
            }
        )

    def verify(self, body):
        if not self.need(body, "seller_code", "bank_account_number", "bic"):
            return 400, self.failure(400)
        account = self.names.get(str(body["bank_account_number"]))
        if account is None:
            return 404, self.failure(404)
        return self.ok(
            {
                "owner_name": account["name"],
                "currency": account["currency"],
                "account_number": body["bank_account_number"],
            }
        )

    def tokenize(self, body):
        if not self.need(
            body, "seller_code", "bank_account_number", "bic", "customer"
        ) or not self.customer(body):
            return 400, self.failure(400)
        number = str(body["bank_account_number"])
        account = self.names.get(number)
        if account is None:
            return 404, self.failure(404)
        token = hashlib.sha256(f"{number}{body['bic']}".encode()).hexdigest()[:48]
        self.bank_tokens[token] = number
        return self.ok(
            {
                "token": token,
                "holder_name": account["name"],
                "account_number": number[:2] + "****" + number[-3:],
                "bank_bic": body["bic"],
                "currency": account["currency"],
            }
        )

    def note_send(self, body):
        """The two rules about sending again, checked on what arrives, whatever becomes of it."""
        number = str(body.get("out_trade_no"))
        account = self.bank_tokens.get(body.get("bank_account_token")) or str(
            body.get("bank_account", "")
        )
        if number in self.sent and not self.asked_since_sent.get(number):
            self.problem("sent again without a query", number)
        self.sent[number] = self.sent.get(number, 0) + 1
        self.asked_since_sent[number] = False
        others = self.orders_of_account.setdefault(account, set()) - {number}
        for other in others:
            if self.orders.get(other, {}).get("status") not in ("CLOSED", "FAILED", "EXPIRED"):
                self.problem("a second order", f"{number} while {other} may have moved money")
        self.orders_of_account[account].add(number)

    def withdraw(self, body):
        names = ["seller_code", "out_trade_no", "total_amount", "currency", "customer", "body"]
        names += (
            ["bank_account_token"]
            if body["service"].endswith(".withdraw")
            else ["bank_account", "bic"]
        )
        if not self.need(body, *names) or not self.customer(body):
            return 400, self.failure(400)
        number, amount = str(body["out_trade_no"]), Decimal(str(body["total_amount"]))
        if (
            not re.fullmatch(r"[A-Za-z0-9-]{1,32}", number)
            or amount <= 0
            or body["currency"] not in ("USD", "KHR")
        ):
            self.problem("field rule", f"{number} {amount} {body['currency']}")
            return 400, self.failure(400)
        if isinstance(body["total_amount"], str):
            self.problem("field rule", f"{number}: total_amount is not a number")
        account = self.bank_tokens.get(body.get("bank_account_token")) or str(
            body.get("bank_account", "")
        )
        if account not in self.names:
            return 404, self.failure(404)
        if number in self.orders:
            return 409, self.failure(409)
        otp = (
            bool(self.otp_every)
            and int(account) % self.otp_every == 0
            and body["service"].endswith(".withdraw")
        )
        self.orders[number] = {
            "account": account,
            "amount": amount,
            "currency": body["currency"],
            "status": "WAITING",
            "otp": otp,
            "asked": 0,
            "hidden_until": time.monotonic() + (0.05 if self.faults else 0),
        }
        if not otp:
            self.book(number)
        data = self.order_info(number)
        data.update(
            receiver_name=self.names[account]["name"],
            is_required_otp=otp,
            verify_otp_url="https://bank.invalid/otp" if otp else None,
        )
        return self.ok(data)

    def book(self, number):
        order = self.orders[number]
        self.ledger.append(
            {
                "out_trade_no": number,
                "account": order["account"],
                "amount": str(order["amount"]),
                "currency": order["currency"],
            }
        )

    def book_late(self):
        due = [b for at, b in self.late if at <= time.monotonic()]
        self.late = [(at, b) for at, b in self.late if at > time.monotonic()]
        for body in due:
            self.withdraw(body)

    def order_info(self, number):
        order = self.orders[number]
        amount = -order["amount"]
        done = order["status"] == "SUCCESS"
        return {
            "token": hashlib.md5(number.encode()).hexdigest()[:24],
            "out_trade_no": number,
            "transaction_id": f"TR-{number[-20:]}" if done else None,
            "body": "Fund transfer",
            "total_amount": int(amount) if amount == int(amount) else float(amount),
            "currency": order["currency"],
            "status": order["status"],
            "paid_at": "2026-01-01T00:00:00.000000Z" if done else None,
            "settled_at": None,
            "settlement_date": None,
            "expired_at": time.strftime(
                "%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() + 300)
            ),
            "created_at": "2026-01-01T00:00:00.000000Z",
            "detail": [],
            "seller": {"code": SELLER, "display_name": "Stranger"},
            "payment_detail": None,
        }

    def query(self, body):
        if not self.need(body, "out_trade_no"):
            return 400, self.failure(400)
        number = str(body["out_trade_no"])
        self.asked_since_sent[number] = True
        order = self.orders.get(number)
        if order is None or order["hidden_until"] > time.monotonic():
            shape = self.random.randrange(3)
            return [
                (404, self.failure(404)),
                (200, self.failure(404)),
                (200, {"success": True, "data": [], "sign": "", "sign_type": "MD5"}),
            ][shape]
        order["asked"] += 1
        if order["status"] == "WAITING" and order["asked"] >= 2:
            # Somebody has typed the OTP by now; without one the bank has answered.
            order["status"] = "SUCCESS"
            if order["otp"]:
                self.book(number)
        return self.ok(self.order_info(number))

    def close(self, body):
        order = self.orders.get(str(body.get("out_trade_no")))
        if order is None:
            return 404, self.failure(404)
        if order["status"] == "WAITING" and order["otp"]:
            order["status"] = "CLOSED"
        return self.ok(self.order_info(str(body["out_trade_no"])))


def serve(gateway):
    """Serves on a free loopback port; returns (base URL, stop)."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def log_message(self, *_):
            pass

        def do_POST(self):
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path, fault = urlsplit(self.path).path, None
            try:
                body = json.loads(raw)
                if path == "/oauth/token":
                    status, reply = gateway.token(body)
                elif path == "/api/mch/v2/gateway":
                    bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
                    status, reply, fault = gateway.call(bearer, body)
                else:
                    status, reply = 404, "<html>no such page</html>"
            except (
                Exception
            ) as error:  # a defect of this gateway must fail the test, not look like a fault
                gateway.problem("gateway", repr(error))
                status, reply = 500, "defect"
            if fault == "cut":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            payload = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
            self.send_response(status)
            self.send_header(
                "Content-Type", "text/html" if isinstance(reply, str) else "application/json"
            )
            self.send_header("Content-Length", str(len(payload)))
            if status == 429:
                self.send_header("Retry-After", "0")
            self.end_headers()
            if fault == "half":
                self.close_connection = True
                self.wfile.write(payload[: len(payload) // 2])
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.wfile.write(payload)
            self.wfile.flush()

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 512

        def handle_error(self, request, client_address):
            pass  # a client that was killed in mid-call is what this is for

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}", server.shutdown
