"""Pays a file of people with asyncio, aiohttp and sqlite3: the script that one would write instead.

    aiohttp_payouts.py FILE DATABASE COMMIT     COMMIT: row or group

It does for each row what the engine does, and no more: verify the account, tokenize it, write an
intent that is on the disk (`synchronous = FULL`), withdraw, write the outcome. 64 rows are in
flight. With `row` each write is a commit of its own, which is what is straightforward; with `group`
what has gathered meanwhile is committed at once, in a thread, which is what one would come to.

Written to be quick where that costs nothing: one session with connections that are kept, the key
read and the HMAC begun once, no ORM, no log. It does not check the file, compare names, check
signatures of replies, try again, resume, or write an audit trail, all of which the engine does.
"""

from __future__ import annotations

import asyncio
import csv
import hmac
import json
import os
import sqlite3
import sys
import time
from decimal import Decimal
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_public_key

IN_FLIGHT = 64
SEALED = ("phone_number", "email", "first_name", "last_name")


class Gateway:
    """Signed calls with a token."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        secret = os.environ["KESS_API_SECRET_KEY"]
        self.session = session
        self.url = os.environ["KESS_BASE_URL"] + "/api/mch/v2/gateway"
        self.seller_code = os.environ["KESS_SELLER_CODE"]
        self.ending = f"&key={secret}".encode()
        self.hmac = hmac.new(secret.encode(), digestmod="sha256")
        self.key: Any = load_pem_public_key(os.environ["KESS_PUBLIC_KEY"].encode())
        self.headers: dict[str, str] = {}

    async def authenticate(self) -> None:
        ask = {
            "grant_type": "password",
            "client_id": os.environ["KESS_CLIENT_ID"],
            "client_secret": os.environ["KESS_CLIENT_SECRET"],
            "username": os.environ["KESS_USERNAME"],
            "password": os.environ["KESS_PASSWORD"],
        }
        url = os.environ["KESS_BASE_URL"] + "/oauth/token"
        async with self.session.post(url, json=ask) as reply:
            token = (await reply.json())["access_token"]
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }

    def seal(self, row: dict[str, str]) -> str:
        customer = json.dumps({name: row[name] for name in SEALED}, separators=(",", ":"))
        return self.key.encrypt(customer.encode(), padding.PKCS1v15()).hex()

    def sign(self, body: dict[str, Any]) -> str:
        text = "&".join(f"{key}={value}" for key, value in sorted(body.items()))
        signature = self.hmac.copy()
        signature.update(text.encode() + self.ending)
        return signature.hexdigest()

    async def call(self, service: str, fields: dict[str, Any]) -> dict[str, Any]:
        body = {
            **fields,
            "service": f"webpay.acquire.{service}",
            "seller_code": self.seller_code,
            "sign_type": "HMAC-SHA256",
        }
        body["sign"] = self.sign(body)
        data = json.dumps(body, separators=(",", ":"))
        async with self.session.post(self.url, data=data, headers=self.headers) as reply:
            answer = json.loads(await reply.read(), parse_float=Decimal)
        if not answer["success"]:
            raise RuntimeError(f"{service}: {answer.get('message')}")
        return answer["data"]


class Store:
    """Intents and outcomes, on the disk when `write` returns."""

    def __init__(self, path: str, commit: str) -> None:
        # Used by one thread at a time.
        self.database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = FULL")
        self.database.execute(
            "CREATE TABLE payouts (order_no TEXT PRIMARY KEY, reference TEXT NOT NULL,"
            " amount TEXT NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL,"
            " transaction_id TEXT) WITHOUT ROWID"
        )
        self.write = self.write_one if commit == "row" else self.write_with_others
        self.waiting: list[tuple[str, tuple[Any, ...], asyncio.Future[None]]] = []
        self.writer: asyncio.Task[None] | None = None

    async def write_one(self, statement: str, values: tuple[Any, ...]) -> None:
        # Outside of a transaction a statement is one. A thread would cost more than it gains.
        self.database.execute(statement, values)

    async def write_with_others(self, statement: str, values: tuple[Any, ...]) -> None:
        written = asyncio.get_running_loop().create_future()
        self.waiting.append((statement, values, written))
        if self.writer is None or self.writer.done():
            self.writer = asyncio.create_task(self.write_waiting())
        await written

    async def write_waiting(self) -> None:
        while self.waiting:
            group, self.waiting = self.waiting, []
            failed: Exception | None = None
            try:
                await asyncio.to_thread(self.commit, group)
            except Exception as error:
                failed = error
            for _, _, written in group:
                written.set_exception(failed) if failed else written.set_result(None)

    def commit(self, group: list[tuple[str, tuple[Any, ...], asyncio.Future[None]]]) -> None:
        self.database.execute("BEGIN IMMEDIATE")
        for statement, values, _ in group:
            self.database.execute(statement, values)
        self.database.execute("COMMIT")


INTENT = "INSERT INTO payouts VALUES (?, ?, ?, ?, 'SENDING', NULL)"
OUTCOME = "UPDATE payouts SET status = ?, transaction_id = ? WHERE order_no = ?"


async def pay(gateway: Gateway, store: Store, row: dict[str, str]) -> None:
    account = {"bank_account_number": row["bank_account_number"], "bic": row["bic"]}
    verified = await gateway.call("verifybankaccount", account)
    if verified["currency"] != row["currency"]:
        raise RuntimeError(f"{row['reference']}: the account is in {verified['currency']}")
    sealed = gateway.seal(row)
    token = await gateway.call("tokenizebankaccount", {**account, "customer": sealed})
    order_no = f"PEER-{row['reference']}"
    intent = (order_no, row["reference"], row["amount"], row["currency"])
    await store.write(INTENT, intent)
    withdrawal = {
        "out_trade_no": order_no,
        "total_amount": row["amount"],
        "currency": row["currency"],
        "bank_account_token": token["token"],
        "customer": gateway.seal(row),
        "body": row["body"],
    }
    order = await gateway.call("withdraw", withdrawal)
    if order["out_trade_no"] != order_no or abs(order["total_amount"]) != Decimal(row["amount"]):
        raise RuntimeError(f"{row['reference']}: the answer is about another order")
    await store.write(OUTCOME, (order["status"], order["transaction_id"], order_no))


async def pay_all(file: str, store: Store) -> None:
    with open(file, encoding="utf-8", newline="") as opened:
        rows = iter(list(csv.DictReader(opened)))

    async def worker() -> None:
        for row in rows:
            await pay(gateway, store, row)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:
        gateway = Gateway(session)
        await gateway.authenticate()
        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


def main() -> None:
    file, path, commit = sys.argv[1:]
    worked, started = time.process_time_ns(), time.perf_counter_ns()
    store = Store(path, commit)
    asyncio.run(pay_all(file, store))
    took = {
        "nanoseconds": time.perf_counter_ns() - started,
        "processor_nanoseconds": time.process_time_ns() - worked,
    }
    paid = store.database.execute("SELECT count(*) FROM payouts WHERE status = 'SUCCESS'")
    print(json.dumps({"done": paid.fetchone()[0], **took}))


if __name__ == "__main__":
    main()
