"""Pay through the KESS PAY gateway.

    import kesspay

    with kesspay.Client.from_env() as client:
        account = client.verify_bank_account(bank_account_number="000123456", bic="ABAAKHPP")
        print(account.owner_name, account.currency)

`Client` and `AsyncClient` have every operation of the gateway. Amounts are `Decimal`, times are
`datetime`, enumerations keep values that this version does not know, and every answer has its
`reply`.

    engine = kesspay.PayoutEngine("sqlite://payout.db", client)
    report = engine.run("june.csv")     # or a DataFrame

`PayoutEngine` pays a file or a frame of people, and goes on after any crash without paying anyone
twice; `check` tells what is wrong with the file, without network. `Sandbox` is a gateway on this
machine, for tests and for trying things out.

After a call that moves money, `UnknownOutcomeError` means: query before anything else.

Logs go to `logging.getLogger("kesspay")`; nothing personal and no secret is in them.
"""

from __future__ import annotations

import logging

from kesspay import enums, errors, events, records
from kesspay._native import Sealed, __version__
from kesspay.aio import AsyncPayoutEngine, AsyncRun
from kesspay.arrow import ArrowStream, Source
from kesspay.batch import BatchState, Outcome, Reason, Status, StopCause, Stopped, Total
from kesspay.check import Check, Finding, check
from kesspay.client import AsyncClient, Client
from kesspay.currency import Currency
from kesspay.engine import PayoutEngine, Run
from kesspay.enums import *  # noqa: F403  # what codegen emits has an `__all__`
from kesspay.errors import *  # noqa: F403
from kesspay.khqr import crc_holds, khqr_md5, parse_khqr
from kesspay.ledger import Ledger, LedgerRow, Notice
from kesspay.open_enum import OpenEnum
from kesspay.options import RunOptions
from kesspay.reconciliation import Difference, DifferenceKind, Reconciliation
from kesspay.record import Day, JsonValue, Page, Record, Reply, Rows, Timestamp, Untyped
from kesspay.records import Card, CardExpiry, Customer, Setting
from kesspay.redirect import UnverifiedRedirect, parse_redirect
from kesspay.report import OtpWaiting, Report, ReportRow
from kesspay.sandbox import Sandbox

__all__ = [
    "ArrowStream",
    "AsyncClient",
    "AsyncPayoutEngine",
    "AsyncRun",
    "BatchState",
    "Card",
    "CardExpiry",
    "Check",
    "Client",
    "Currency",
    "Customer",
    "Day",
    "Difference",
    "DifferenceKind",
    "Finding",
    "JsonValue",
    "Ledger",
    "LedgerRow",
    "Notice",
    "OpenEnum",
    "OtpWaiting",
    "Outcome",
    "Page",
    "PayoutEngine",
    "Reason",
    "Reconciliation",
    "Record",
    "Reply",
    "Report",
    "ReportRow",
    "Rows",
    "Run",
    "RunOptions",
    "Sandbox",
    "Sealed",
    "Setting",
    "Source",
    "Status",
    "StopCause",
    "Stopped",
    "Timestamp",
    "Total",
    "Untyped",
    "UnverifiedRedirect",
    "__version__",
    "check",
    "crc_holds",
    "enums",
    "errors",
    "events",
    "khqr_md5",
    "parse_khqr",
    "parse_redirect",
    "records",
]
__all__ += enums.__all__
__all__ += errors.__all__

# Whoever does not configure logging hears nothing, as it is usual for libraries.
logging.getLogger("kesspay").addHandler(logging.NullHandler())
