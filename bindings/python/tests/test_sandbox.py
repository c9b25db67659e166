"""The sandbox, the environment, and the fixtures."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import kesspay
import pytest


def test_the_ledger_knows_what_moved(
    kess_sandbox: kesspay.Sandbox, kess_client: kesspay.Client, withdraw: Callable[..., object]
) -> None:
    before = kess_sandbox.ledger().balances["USD"]
    withdraw(kess_client, "WD-1")
    ledger = kess_sandbox.ledger()
    row = ledger.row("WD-1")
    assert row is not None and row.amount == row.moved == Decimal("10.50")
    assert (row.currency, row.status, row.times_booked) == (kesspay.Currency.USD, "SUCCESS", 1)
    assert row.account == "00****456" and ledger.row("WD-2") is None
    assert ledger.moved("USD") == before - ledger.balances["USD"] == Decimal("10.50")
    assert ledger.moved("KHR") == 0


def test_faults_strike_as_they_are_told_to(
    kess_sandbox: kesspay.Sandbox, withdraw: Callable[..., object]
) -> None:
    client = kess_sandbox.client()
    kess_sandbox.add_fault("cut_after_booking", service="withdraw_by_bank_number", times=1)
    with pytest.raises(kesspay.UnknownOutcomeError):
        withdraw(client, "WD-1")
    assert client.query_order(out_trade_no="WD-1").status == "SUCCESS"
    assert kess_sandbox.fault_hits() == {"cut_after_booking": 1}
    kess_sandbox.add_faults([{"fault": "refuse", "code": "FORBIDDEN"}])
    with pytest.raises(kesspay.ForbiddenError):
        client.merchant_info()
    kess_sandbox.clear_faults()
    client.merchant_info()
    for wrong in ({"fault": "fire"}, {"fault": "slow", "colour": "red"}):
        with pytest.raises(kesspay.ConfigurationError):
            kess_sandbox.add_faults([wrong])


def test_accounts_can_be_added(kess_sandbox: kesspay.Sandbox, kess_client: kesspay.Client) -> None:
    kess_sandbox.add_account("000777888", "ABAAKHPP", "CHAN THEA", kesspay.Currency.KHR)
    account = kess_client.verify_bank_account(bank_account_number="000777888", bic="ABAAKHPP")
    assert (account.owner_name, account.currency) == ("CHAN THEA", kesspay.Currency.KHR)
    with pytest.raises(TypeError, match="`number`: .*leading zeros"):
        kess_sandbox.add_account(777888, "ABAAKHPP", "X", "USD")  # type: ignore[arg-type]


def test_time_can_be_moved(kess_sandbox: kesspay.Sandbox, kess_client: kesspay.Client) -> None:
    kess_client.create_order(
        out_trade_no="A-1", body="b", total_amount=1, currency="USD", expires_in=60
    )
    kess_sandbox.advance(120)
    assert kess_client.query_order(out_trade_no="A-1").status == "CLOSED"
    with pytest.raises(ValueError, match="`seconds`"):
        kess_sandbox.advance(-1)


def test_options(tmp_path: Path, withdraw: Callable[..., object]) -> None:
    with kesspay.Sandbox(seed=7) as one, kesspay.Sandbox(seed=8) as other:
        secret = "KESS_CLIENT_SECRET"
        assert one.environment[secret] != other.environment[secret]
        port = int(one.base_url.rsplit(":", 1)[1])
        with pytest.raises(kesspay.ConfigurationError, match="Choose another port"):
            kesspay.Sandbox(port=port)
    assert repr(one) == "<Sandbox, closed>"
    with pytest.raises(RuntimeError, match="closed"):
        one.ledger()
    with kesspay.Sandbox(state_file=tmp_path / "state") as sandbox:
        withdraw(sandbox.client(), "WD-1")
    with kesspay.Sandbox(state_file=tmp_path / "state", otp="never") as sandbox:
        assert sandbox.ledger().row("WD-1") is not None
    with kesspay.Sandbox(book_again=True) as sandbox:
        client = sandbox.client()
        for _ in range(2):
            withdraw(client, "WD-1")
        row = sandbox.ledger().row("WD-1")
        assert row is not None and row.times_booked == 2
    with pytest.raises(ValueError, match="`otp`"):
        kesspay.Sandbox(otp="perhaps")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`faults`"):
        kesspay.Sandbox(faults=1001)
    with kesspay.Sandbox(faults=999, latency=0.001) as sandbox:
        client = sandbox.client(max_attempts=1)
        for number in range(20):
            try:
                client.query_order(out_trade_no=f"A-{number}")
            except kesspay.Error:
                pass
        assert sandbox.fault_hits().keys() >= {"cut_before_booking", "status_503_before_booking"}


def test_a_sandbox_is_left_to_the_collector(python: Callable[..., object]) -> None:
    ran = python(
        """
        import logging, kesspay
        logging.basicConfig(level=1)
        for _ in range(3):
            kesspay.Sandbox().client().merchant_info
        kept = kesspay.Sandbox()
        kept.client().merchant_info()
        print("end")
        """
    )
    assert ran.stdout == "end\n" and ran.returncode == 0, ran.stderr  # type: ignore[attr-defined]


def test_a_client_out_of_the_environment(
    kess_sandbox: kesspay.Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = kess_sandbox.environment
    for name in environment:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(kesspay.ConfigurationError) as raised:
        kesspay.Client.from_env()
    for name in environment.keys() - {"KESS_PUBLIC_KEY"}:
        assert name in str(raised.value)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    kesspay.Client.from_env().merchant_info()
    assert repr(kesspay.AsyncClient.from_env()) == f"<AsyncClient {kess_sandbox.base_url}>"

    key = tmp_path / "key.pem"
    key.write_text(environment["KESS_PUBLIC_KEY"])
    monkeypatch.setenv("KESS_PUBLIC_KEY", "broken")
    with pytest.raises(kesspay.ConfigurationError, match="KESS_PUBLIC_KEY: "):
        kesspay.Client.from_env()
    monkeypatch.setenv("KESS_PUBLIC_KEY_FILE", str(key))
    kesspay.Client.from_env().merchant_info()
    monkeypatch.setenv("KESS_PUBLIC_KEY_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(kesspay.ConfigurationError, match="cannot be read"):
        kesspay.Client.from_env()
    kess_sandbox.client(public_key=key).merchant_info()


def test_the_fixtures_belong_together(
    kess_sandbox: kesspay.Sandbox,
    kess_client: kesspay.Client,
    kess_async_client: kesspay.AsyncClient,
) -> None:
    assert kess_client.base_url == kess_sandbox.base_url == kess_async_client.base_url
