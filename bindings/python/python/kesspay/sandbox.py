"""A gateway on this machine: for tests, rehearsals, and trying things out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from kesspay import _native
from kesspay.arrow import native_source
from kesspay.client import AsyncClient, Client
from kesspay.currency import Currency
from kesspay.ledger import Ledger, Notice

if TYPE_CHECKING:
    from kesspay.arrow import Source

__all__ = ["Sandbox"]

FaultRule = Mapping[str, object]


class Sandbox:
    """A stand-in for the gateway, in this process. It checks what the real one checks, keeps
    wallets and orders, and does on request what a gateway does on a bad day.

    Every bank account exists, unless its number asks for something else: one that ends in `0404`
    is unknown, and so on (see the documentation of the sandbox). No real money, no credentials.

        with kesspay.Sandbox() as sandbox:
            client = sandbox.client()
            client.verify_bank_account(bank_account_number="000123456", bic="ABAAKHPP")
            sandbox.ledger().balances
    """

    __slots__ = ("__weakref__", "_sandbox")

    def __init__(
        self,
        *,
        faults: int = 0,
        latency: float = 0.0,
        otp: Literal["by_account", "always", "never"] = "by_account",
        seed: int = 1,
        port: int | None = None,
        state_file: str | os.PathLike[str] | None = None,
        book_again: bool = False,
    ) -> None:
        """Starts it on a free port of this machine.

        Args:
            faults: How many of a thousand calls go wrong: a third is lost, a third is carried out
                and its answer lost, a third is answered 503.
            latency: How many seconds each answer is kept waiting.
            otp: When a withdrawal needs a one-time password: as the account's number asks for,
                always, or never.
            seed: The same seed and the same calls give the same answers.
            port: A port to listen on.
            state_file: Keeps everything in this file and takes it up again at the next start.
            book_again: Whether a used order number is paid a second time instead of being
                refused; for finding out whether your code ever sends one twice.

        Raises:
            ConfigurationError: The port is taken, or the state file cannot be used.
        """
        self._sandbox = _native.Sandbox(
            faults=faults,
            latency=latency or None,
            otp=otp,
            seed=seed,
            port=port,
            state_file=state_file,
            book_again=book_again,
        )

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return self._sandbox.base_url

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point `Client.from_env` and the `payout` command at it. What they
        hold is made up and opens nothing else."""
        given = self._sandbox.credentials()
        return {
            "KESS_BASE_URL": self.base_url,
            "KESS_CLIENT_ID": given["client_id"],
            "KESS_CLIENT_SECRET": given["client_secret"],
            "KESS_USERNAME": given["username"],
            "KESS_PASSWORD": given["password"],
            "KESS_API_SECRET_KEY": given["api_secret"],
            "KESS_SELLER_CODE": given["seller_code"],
            "KESS_PUBLIC_KEY": given["public_key"],
        }

    def client(self, **options: Any) -> Client:
        """A client of this sandbox. The options are those of `Client`."""
        return Client(**{**self._access(), **options})

    def async_client(self, **options: Any) -> AsyncClient:
        """A client of this sandbox for asyncio. The options are those of `AsyncClient`."""
        return AsyncClient(**{**self._access(), **options})

    def _access(self) -> dict[str, Any]:
        return {"base_url": self.base_url, **self._sandbox.credentials()}

    def add_account(self, number: str, bic: str, holder: str, currency: Currency | str) -> None:
        """Puts a bank account into the directory, so that verifying it answers this holder and
        currency."""
        self._sandbox.add_account(number, bic, holder, currency)

    def add_accounts(self, source: Source) -> int:
        """Puts the accounts of a batch file or frame into the directory: each under the name that
        the file expects, in the currency in which it is to be paid. Rows with a problem are passed
        over.

        Returns:
            How many accounts there were.
        """
        return self._sandbox.add_accounts(native_source(source))

    def add_fault(self, fault: str, **rule: object) -> None:
        """Lets something go wrong from now on.

            sandbox.add_fault("cut_after_booking", service="withdraw", times=1)
            sandbox.add_fault("status", status=429, retry_after=1)
            sandbox.add_fault("refuse", code="DUPLICATED", out_trade_no="WD-1")

        Args:
            fault: `refuse` or `success_false` (with `code`, such as `NOT_FOUND`), `status` (with
                `status`, `booked`, `retry_after`), `html` (with `status`, `booked`), `slow`,
                `cut_then_book` or `hidden_after_booking` (with `millis`), `cut_before_booking`,
                `cut_after_booking`, `half_reply`, `token_revoked`, `otp_never_confirmed`,
                `unknown_account`, `other_holder`, `other_currency`, `low_balance`, `duplicate`.
            rule: Its parameters, and which calls it strikes: `service` (an operation, or
                `oauth_token`), `out_trade_no`, `after` (so many are let through), `times` (so
                often at most), `per_mille`.

        Raises:
            ConfigurationError: There is no such fault, or no such parameter.
        """
        self.add_faults([{"fault": fault, **rule}])

    def add_faults(self, rules: Sequence[FaultRule]) -> None:
        """Adds several, as JSON has them: `[{"fault": "slow", "millis": 250}]`."""
        self._sandbox.add_faults(json.dumps(list(rules)))

    def clear_faults(self) -> None:
        """Takes every fault away."""
        self._sandbox.clear_faults()

    def fault_hits(self) -> dict[str, int]:
        """How often each fault struck, by its name."""
        return self._sandbox.fault_hits()

    def ledger(self) -> Ledger:
        """What money moved so far."""
        ledger: Ledger = self._sandbox.ledger()
        return ledger

    def notices(self) -> list[Notice]:
        """The notices that were or will be sent to `notify_url`, oldest first."""
        return self._sandbox.notices()

    def advance(self, seconds: float) -> None:
        """Moves its clock on: orders expire, tokens run out, late bookings come due."""
        self._sandbox.advance(seconds)

    def close(self) -> None:
        """Stops it and cuts every connection."""
        self._sandbox.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._sandbox)
