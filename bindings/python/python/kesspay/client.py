"""The clients: `Client` waits, `AsyncClient` is awaited. Both have every operation of the gateway.

What the two share, and how a call is carried, is in the compiled module.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Literal, TypeVar, Union

from kesspay import _native
from kesspay._native import Sealed
from kesspay._operations import AsyncOperations, Operations
from kesspay.errors import add_note
from kesspay.records import Card, Customer, WebhookNotice

__all__ = ["AsyncClient", "Client"]

PublicKey = Union[str, "os.PathLike[str]"]
AnyClient = TypeVar("AnyClient", bound="_Client")


class _Client:
    """What both clients are: a configuration, with a token and connections."""

    __slots__ = ("__weakref__", "_gateway")

    _gateway: _native.Gateway

    def __init__(
        self,
        *,
        base_url: str,
        client_id: str,
        client_secret: str,
        username: str,
        password: str,
        api_secret: str,
        seller_code: str | None = None,
        public_key: PublicKey | None = None,
        sign_type: Literal["HMAC-SHA256", "MD5"] = "HMAC-SHA256",
        timeout: float | None = None,
        connect_timeout: float | None = None,
        max_attempts: int | None = None,
        base_pause: float | None = None,
        max_pause: float | None = None,
        reply_signature: Literal["off", "report", "enforce"] = "report",
    ) -> None:
        """Checks the configuration. Nothing is sent yet.

        Args:
            base_url: `sandbox`, `production`, or the URL that KESS gave. Plain `http://` is
                allowed for this machine only.
            client_id: OAuth client, given by KESS.
            client_secret: Its secret.
            username: OAuth user, given by KESS.
            password: Its password.
            api_secret: The API secret key, with which requests are signed.
            seller_code: The seller code that calls carry unless they are given another.
            public_key: The merchant's RSA public key, with which customers and cards are
                sealed: the text of a PEM, or a path (`pathlib.Path`) to one.
            sign_type: How requests are signed.
            timeout: Seconds for each attempt of a call; 60 unless said otherwise.
            connect_timeout: Seconds to make a connection; 10 unless said otherwise.
            max_attempts: How often a call is sent at most, where that is harmless; 3 unless
                said otherwise. A call that moves money is never sent again unless it certainly
                did not leave.
            base_pause: The longest first pause between attempts, in seconds; it doubles with
                every attempt. 0.25 unless said otherwise.
            max_pause: The longest pause of all, in seconds; 20 unless said otherwise. If the
                gateway asks for a longer one, the call fails, and `Error.retry_after` tells it.
            reply_signature: What is done about the signature of replies: nothing, tell it in
                `reply.signature`, or raise `SignatureError` where it does not match.

        Raises:
            ConfigurationError: Something is missing or makes no sense.
        """
        if isinstance(public_key, os.PathLike):
            with open(public_key, encoding="utf-8") as file:
                public_key = file.read()
        self._gateway = _native.Gateway(
            base_url=base_url,
            client_id=client_id,
            client_secret=client_secret,
            username=username,
            password=password,
            api_secret=api_secret,
            seller_code=seller_code,
            public_key=public_key,
            sign_type=sign_type,
            timeout=timeout,
            connect_timeout=connect_timeout,
            max_attempts=max_attempts,
            base_pause=base_pause,
            max_pause=max_pause,
            reply_signature=reply_signature,
        )

    @classmethod
    def from_env(cls: type[AnyClient]) -> AnyClient:
        """A client out of the variables that the `payout` command reads: `KESS_BASE_URL`,
        `KESS_CLIENT_ID`, `KESS_CLIENT_SECRET`, `KESS_USERNAME`, `KESS_PASSWORD`,
        `KESS_API_SECRET_KEY`, `KESS_SELLER_CODE`, `KESS_PUBLIC_KEY_FILE` or `KESS_PUBLIC_KEY`,
        and `KESS_SIGN_TYPE`.

        Raises:
            ConfigurationError: Some are missing (all of them are named) or make no sense.
        """
        return cls._of(_native.client_from_env())

    @classmethod
    def _of(cls: type[AnyClient], gateway: _native.Gateway) -> AnyClient:
        client = cls.__new__(cls)
        client._gateway = gateway
        return client

    @property
    def base_url(self) -> str:
        """Where the gateway is."""
        return self._gateway.base_url

    @property
    def seller_code(self) -> str | None:
        """The seller code that calls carry unless they are given another."""
        return self._gateway.seller_code

    def seal(self, record: Customer | Card) -> Sealed:
        """Encrypts a customer or a card with the merchant's public key.

        Calls seal what is not sealed yet, so this is for what is sent more than once.

        Raises:
            ConfigurationError: The client has no public key.
            ValidationError: A field breaks its limit, or all are too long together; the largest
                one is named.
        """
        return self._gateway.seal(record)

    def verify_notice(self, body: bytes) -> WebhookNotice:
        """Checks the signature of a notice that was posted to `notify_url`, and reads it.

        A notice says when to look, not what to believe: notices come more than once, out of
        order, or not at all. `query_order` decides. Answer with any 2xx within 25 seconds.

        Args:
            body: The body of the request, as it came: a form or JSON.

        Raises:
            SignatureError: It is not signed, or the signature does not hold. Answer 400.
            UnreadableReplyError: It is no notice of an order; see `notice_fields`.
        """
        notice: WebhookNotice = self._gateway.verify_notice(body)
        return notice

    def notice_fields(self, body: bytes) -> dict[str, str]:
        """The same for a notice of any kind, such as that of a refund or of a saved card: the
        fields that its signature covers, as text.

        Raises:
            SignatureError: It is not signed, or the signature does not hold. Answer 400.
            UnreadableReplyError: It is neither a form nor a JSON object.
        """
        return self._gateway.notice_fields(body)

    def payment_link(self, order_token: str) -> str:
        """The page on which an order is paid."""
        return self._gateway.payment_link(order_token)

    def card_token_link(self, order_token: str, card_token: str) -> str:
        """The page that pays an order with a saved card. Whoever has the link can charge the
        card: keep it out of logs."""
        return self._gateway.card_token_link(order_token, card_token)

    def body(self, operation: str, /, **fields: object) -> bytes:
        """The body that a call would send, signature included; for tests. It may hold personal
        data.

        Args:
            operation: The name of the method, such as `withdraw`.
            fields: Its arguments.
        """
        return self._gateway.body(operation, fields)

    def close(self) -> None:
        """Lets go of token and connections. Calls under way go on; new ones raise
        `ConfigurationError`. What shares them (`asynchronous`, `synchronous`) keeps them."""
        self._gateway.close()

    def __repr__(self) -> str:
        closed = self._gateway.closed
        return f"<{type(self).__name__} {'closed' if closed else self._gateway.base_url}>"


class Client(_Client, Operations):
    """A client of the gateway: every operation is a method that returns when it is answered.

    It may be used from any number of threads, and inside a running event loop (which it blocks).
    Ctrl-C and Jupyter's stop button interrupt a call.

        with kesspay.Client.from_env() as client:
            order = client.query_order(out_trade_no="PAY-2022-07-0001")
            print(order.status, order.total_amount, order.currency)
    """

    __slots__ = ()

    def _call(self, operation: str, fields: dict[str, object], timeout: float | None) -> Any:
        return self._gateway.call(operation, fields, timeout).wait()

    def _iter(
        self,
        operation: str,
        fields: dict[str, object],
        timeout: float | None,
    ) -> Iterator[Any]:
        # Not a generator itself: a wrong argument is told here, not at the first row.
        return _rows(self._gateway.pages(operation, fields, timeout))

    def authenticate(self) -> None:
        """Fetches a token if there is none: a check of the credentials that does nothing else.

        Raises:
            AuthenticationError: The credentials are wrong.
        """
        self._gateway.authenticate().wait()

    def asynchronous(self) -> AsyncClient:
        """The same client for asyncio. Token and connections are shared."""
        return AsyncClient._of(self._gateway.share())

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient(_Client, AsyncOperations):
    """A client of the gateway for asyncio: every operation is awaited.

    Cancelling the task that awaits a call cuts its connection. A call that changes something or
    moves money may then have been carried out; the `CancelledError` says so in a note.

        async with kesspay.AsyncClient.from_env() as client:
            order = await client.query_order(out_trade_no="PAY-2022-07-0001")
    """

    __slots__ = ()

    async def _call(self, operation: str, fields: dict[str, object], timeout: float | None) -> Any:
        pending = self._gateway.call(operation, fields, timeout)
        try:
            return await pending
        except asyncio.CancelledError as cancelled:
            if pending.doubt is not None:
                add_note(cancelled, pending.doubt)
            raise

    def _iter(
        self,
        operation: str,
        fields: dict[str, object],
        timeout: float | None,
    ) -> AsyncIterator[Any]:
        return _rows_async(self._gateway.pages(operation, fields, timeout))

    async def authenticate(self) -> None:
        """Fetches a token if there is none: a check of the credentials that does nothing else.

        Raises:
            AuthenticationError: The credentials are wrong.
        """
        await self._gateway.authenticate()

    def synchronous(self) -> Client:
        """The same client without asyncio. Token and connections are shared."""
        return Client._of(self._gateway.share())

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _rows(pages: _native.Pages) -> Iterator[Any]:
    while (rows := pages.next().wait()) is not None:
        yield from rows


async def _rows_async(pages: _native.Pages) -> AsyncIterator[Any]:
    while (rows := await pages.next()) is not None:
        for row in rows:
            yield row
