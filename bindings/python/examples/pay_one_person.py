"""Verifies an account and pays one person, whatever happens on the way.

The order number is written down before anything is sent: if the outcome is unknown, it is what the
gateway is asked about. Run it with the variables `KESS_BASE_URL`, `KESS_CLIENT_ID`, ...:

    python pay_one_person.py
"""

from __future__ import annotations

import time
from decimal import Decimal

import kesspay
from kesspay import Currency, OrderStatus


def pay(client: kesspay.Client, number: str, amount: Decimal, to: str, bic: str) -> bool:
    """Pays once, and says whether it is paid. Nothing here can pay twice."""
    account = client.verify_bank_account(bank_account_number=to, bic=bic)
    if account.currency != Currency.USD:
        print(f"the account is kept in {account.currency}, so nothing was sent")
        return False
    person = kesspay.Customer(
        first_name="Dara", last_name="Sok", phone_number="012345678", email="dara@example.com"
    )
    token = client.tokenize_bank_account(bank_account_number=to, bic=bic, customer=person).token
    try:
        order = client.withdraw(
            out_trade_no=number,
            total_amount=amount,
            currency=Currency.USD,
            bank_account_token=token,
            customer=person,
        )
        status = order.status
    except kesspay.UnknownOutcomeError as error:
        print(f"no answer ({error.kind}), so the gateway is asked what became of it")
        return ask(client, number)
    except kesspay.Error as error:
        print(f"refused, certainly not paid: {error}")
        return False
    return status == OrderStatus.SUCCESS or ask(client, number)


def ask(client: kesspay.Client, number: str, patience: int = 10) -> bool:
    """Asks about the order until its fate is known."""
    for _ in range(patience):
        try:
            order = client.query_order(out_trade_no=number)
        except kesspay.NotFoundError:
            # It may still appear. Whoever sends it again now may pay twice.
            print("not known to the gateway yet")
        except kesspay.Error as error:
            print(f"no answer: {error}")
        else:
            if order.status == OrderStatus.SUCCESS:
                return True
            if order.status == OrderStatus.CLOSED:
                return False
        time.sleep(0.2)
    raise TimeoutError(f"ask about {number} again later; do not send it under another number")


def main() -> None:
    with kesspay.Client.from_env() as client:
        try:
            paid = pay(client, "BONUS-0001", Decimal("25.00"), "000120504", "ABAAKHPP")
        except kesspay.NotFoundError as error:
            print(f"there is no such account ({error.code})")
            return
        print("paid" if paid else "not paid")


if __name__ == "__main__":
    main()
