"""Reads a batch file with polars and applies the checks of `payout check` that are natural there.

Usage: polars_check.py FILE

This is the peer of `payout check` in `cargo xtask bench`, written as polars is meant to be used:
a lazy scan with columns of text, expressions only, no Python for each row, and the engine that
was the faster one of the two. All of it is read once, as `payout check` does for a good file.

It looks for: required values, lengths, characters of accounts, phone numbers and bank codes, the
shape of email addresses, form, decimals and sign of amounts, the currency, references that stand
twice, and payees that get the same amount twice, both by hashes; and it adds up the amounts of
each currency, exactly, in hundredths. `payout check` looks for much more (swallowed rows, letters
that look alike, what spreadsheets do to numbers, the sealed size, the hash of the file), which is
not asked of polars.

Prints one JSON object: rows, what was found by name of the check, the sums, the seconds that
polars took, without its import, and its version.
"""

import json
import sys
import time

import polars as pl

REQUIRED = (
    "reference",
    "first_name",
    "last_name",
    "phone_number",
    "email",
    "bank_account_number",
    "bic",
    "amount",
    "currency",
)
# The most characters that the gateway takes.
LONGEST = {"reference": 100, "email": 254, "bank_account_number": 64, "body": 255}
# What a value has to look like. Each is one pass over its column.
SHAPES = {
    "phone_number": r"^[0-9]{6,15}$",
    "email": r"^[^\s()<>,;:\\\"\[\]@]+@[\p{Alphabetic}\p{N}-]+(\.[\p{Alphabetic}\p{N}-]+)+$",
    "bank_account_number": r"^[0-9]+$",
    "bic": r"^[A-Z][A-Z0-9]{3,10}$",
    "amount": r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$",
}


def checks(columns):
    """One expression for each check, which counts the rows that fail it."""
    value = {name: pl.col(name).str.strip_chars(" \t") for name in columns}
    found = {}
    for name in REQUIRED:
        found[f"missing {name}"] = value[name].fill_null("").eq("").sum()
    for name, most in LONGEST.items():
        if name in value:
            found[f"too long {name}"] = value[name].str.len_chars().gt(most).sum()
    for name, shape in SHAPES.items():
        found[f"shape of {name}"] = value[name].str.contains(shape).not_().sum()
    known = value["currency"].is_in(["USD", "KHR"])
    found["currency unknown"] = known.not_().sum()
    with_point = value["amount"].str.contains(".", literal=True)
    found["decimals of KHR"] = (value["currency"].eq("KHR") & with_point).sum()
    amount = value["amount"].cast(pl.Decimal(38, 2), strict=False)
    found["not above zero"] = amount.le(0).sum()
    # To know that none stands twice, hashes will do, and are the faster way.
    found["same reference"] = pl.len() - value["reference"].hash().n_unique()
    payment = pl.struct(value["bic"], value["bank_account_number"], amount, value["currency"])
    found["same payee and amount"] = pl.len() - payment.hash().n_unique()
    for currency in ("USD", "KHR"):
        found[currency] = amount.filter(value["currency"].eq(currency)).sum()
    found["rows"] = pl.len()
    return [expression.alias(name) for name, expression in found.items()]


def main():
    """Checks the file that the command line names."""
    began = time.perf_counter()
    file = pl.scan_csv(sys.argv[1], infer_schema=False)
    columns = file.collect_schema().names()
    row = file.select(checks(columns)).collect(engine="in-memory").row(0, named=True)
    seconds = time.perf_counter() - began
    totals = {currency: str(row.pop(currency)) for currency in ("USD", "KHR")}
    rows = row.pop("rows")
    found = {name: count for name, count in row.items() if count}
    answer = {"rows": rows, "found": found, "totals": totals, "seconds": round(seconds, 3)}
    print(json.dumps(answer | {"polars": pl.__version__}))


if __name__ == "__main__":
    main()
