"""Awaiting, cancelling, and waiting inside a running loop."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

import kesspay
import pytest
from conftest import CUSTOMER


def test_calls_run_side_by_side(kess_sandbox: kesspay.Sandbox) -> None:
    async def all_of_them() -> float:
        async with kess_sandbox.async_client() as client:
            await client.authenticate()
            kess_sandbox.add_fault("slow", millis=300)
            began = time.monotonic()
            calls = [
                client.verify_bank_account(bank_account_number=f"{n:09d}", bic="ABAAKHPP")
                for n in range(100_100, 100_140)
            ]
            answers = await asyncio.gather(*calls)
            assert len({answer.account_number for answer in answers}) == 40
            return time.monotonic() - began

    assert asyncio.run(all_of_them()) < 3


def withdrawal(client: kesspay.AsyncClient) -> asyncio.Task[kesspay.records.Withdrawal]:
    return asyncio.create_task(
        client.withdraw_by_bank_number(
            out_trade_no="WD-1",
            total_amount=1,
            currency="USD",
            bic="ABAAKHPP",
            bank_account="000123456",
            customer=CUSTOMER,
        )
    )


def test_a_cancelled_payment_says_that_it_may_have_been_made(
    kess_sandbox: kesspay.Sandbox,
) -> None:
    async def cancel() -> list[str]:
        client = kess_sandbox.async_client()
        await client.authenticate()
        kess_sandbox.add_fault("slow", millis=20_000)
        task = withdrawal(client)
        await asyncio.sleep(0.3)
        task.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        assert time.monotonic() - began < 1
        assert task.cancelled()
        return getattr(raised.value, "__notes__", [])

    notes = asyncio.run(cancel())
    # It was booked before its answer was kept waiting.
    assert kess_sandbox.ledger().moved("USD") == 1
    if sys.version_info >= (3, 11):
        assert len(notes) == 1 and "query it by its out_trade_no" in notes[0]


def test_a_cancelled_read_is_only_cancelled(kess_sandbox: kesspay.Sandbox) -> None:
    async def cancel() -> list[str]:
        client = kess_sandbox.async_client()
        await client.authenticate()
        kess_sandbox.add_fault("slow", millis=20_000)
        with pytest.raises(asyncio.TimeoutError) as raised:
            await asyncio.wait_for(client.merchant_info(), 0.2)
        cause = raised.value.__cause__
        return getattr(cause, "__notes__", [])

    assert asyncio.run(cancel()) == []


def test_errors_reach_the_task(kess_async_client: kesspay.AsyncClient) -> None:
    async def failing() -> None:
        with pytest.raises(kesspay.NotFoundError):
            await kess_async_client.query_order(out_trade_no="NO")
        with pytest.raises(TypeError, match="`out_trade_no`"):
            await kess_async_client.query_order(out_trade_no=1)  # type: ignore[arg-type]
        with pytest.raises(kesspay.ValidationError):
            await kess_async_client.query_order(out_trade_no="a b")

    asyncio.run(failing())


def test_the_synchronous_client_works_inside_a_running_loop(
    kess_client: kesspay.Client, kess_async_client: kesspay.AsyncClient
) -> None:
    async def cell() -> None:
        assert kess_client.merchant_info() is not None
        assert kess_async_client.synchronous().merchant_info() == kess_client.merchant_info()
        assert await kess_client.asynchronous().merchant_info() is not None

    asyncio.run(cell())


def test_a_client_goes_from_loop_to_loop(kess_async_client: kesspay.AsyncClient) -> None:
    for _ in range(3):
        asyncio.run(_ask(kess_async_client))


async def _ask(client: kesspay.AsyncClient) -> None:
    await client.merchant_info()


def test_awaiting_nothing_does_no_harm(
    kess_sandbox: kesspay.Sandbox, recwarn: pytest.WarningsRecorder
) -> None:
    """A loop that ends while calls are under way takes them along."""

    async def leave() -> Callable[[], object]:
        client = kess_sandbox.async_client()
        await client.authenticate()
        kess_sandbox.add_fault("slow", millis=500)
        withdrawal(client)
        await asyncio.sleep(0.05)
        return client.close

    asyncio.run(leave())
    time.sleep(0.8)
    assert not [str(warning.message) for warning in recwarn]
