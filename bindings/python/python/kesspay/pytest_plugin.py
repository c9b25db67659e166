"""Fixtures for pytest; nothing has to be imported.

    def test_my_payout(kess_client, kess_sandbox):
        pay_salaries(kess_client)
        assert kess_sandbox.ledger().moved("USD") == Decimal("1200.00")

Each test gets a sandbox of its own. It listens on this machine, and nothing leaves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kesspay import AsyncClient, Client, Sandbox

__all__ = ["kess_async_client", "kess_client", "kess_sandbox"]


@pytest.fixture
def kess_sandbox() -> Iterator[Sandbox]:
    """A gateway for this test."""
    # Whoever has kesspay installed and does not test it should not wait for it.
    from kesspay import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def kess_client(kess_sandbox: Sandbox) -> Iterator[Client]:
    """A client of `kess_sandbox`."""
    with kess_sandbox.client() as client:
        yield client


@pytest.fixture
def kess_async_client(kess_sandbox: Sandbox) -> Iterator[AsyncClient]:
    """An asynchronous client of `kess_sandbox`."""
    client = kess_sandbox.async_client()
    yield client
    client.close()
