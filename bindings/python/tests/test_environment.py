"""What the `payout` command is configured with, the package is configured with."""

from __future__ import annotations

from pathlib import Path

import kesspay
import pytest
from payroll import rows, write


def test_an_engine_out_of_the_configuration(
    kess_sandbox: kesspay.Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "june"
    below.mkdir()
    monkeypatch.chdir(below)
    monkeypatch.delenv("PAYOUT_STORE", raising=False)
    (tmp_path / "payout.toml").write_text("store = 'sqlite://books.db'\n[policy]\nsettle = '1s'\n")
    with pytest.raises(kesspay.ConfigurationError, match="KESS_BASE_URL.*KESS_SELLER_CODE"):
        kesspay.PayoutEngine.from_env()

    for name, value in kess_sandbox.environment.items():
        monkeypatch.setenv(name, value)
    people = rows(3)
    write(below / "june.csv", people)
    kess_sandbox.add_accounts("june.csv")
    engine = kesspay.PayoutEngine.from_env()
    assert engine.run("june.csv").status.is_paid
    assert (tmp_path / "books.db").is_file(), "the store lies beside the file that names it"

    monkeypatch.setenv("PAYOUT_STORE", "sqlite://other.db")
    assert kesspay.AsyncPayoutEngine.from_env()
    assert kesspay.PayoutEngine.from_env().batches() == []
