"""Runs the `payout` binary against the stranger's gateway, kills it on the way, and compares
report and ledger row for row.

    python3 drive.py --payout target/debug/payout --rows 200 --faults 0.15 --kills 10 \
        --otp-every 3 --seed 1

Exits 0 when nothing disagrees; otherwise says what does. Nothing here sleeps for a guess: a kill
comes when the gateway has seen a number of calls drawn from the seed, and each run of the binary
ends by itself or by that kill.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from decimal import Decimal

import gateway as stranger

FAMILY = ["Sok", "Chan", "Kim", "Heng", "Ly", "Chea", "Prak", "Nguon"]
GIVEN = ["Dara", "Sophea", "Bopha", "Vanna", "Rith", "Maly", "Piseth", "Thida"]


def write_batch(path, rows, seed):
    """A CSV and the accounts it names: every twentieth account is unknown to the bank."""
    draw, accounts, lines = random.Random(seed), {}, []
    lines.append(
        "reference,first_name,last_name,phone_number,email,bank_account_number,bic,amount,currency"
    )
    for i in range(rows):
        first, last, currency = draw.choice(GIVEN), draw.choice(FAMILY), draw.choice(["USD", "KHR"])
        number = f"{1000 + i:09d}"
        amount = (
            str(draw.randrange(1, 500_000) * 100)
            if currency == "KHR"
            else f"{draw.randrange(1, 50_000) / 100:.2f}"
        )
        if i % 20 != 19:
            accounts[number] = {"name": f"{first} {last}".upper(), "currency": currency}
        bic = draw.choice(["ABAAKHPP", "ACLBKHPP", "WING"])
        lines.append(
            f"EMP-{i:05d},{first},{last},0{10000000 + i},e{i}@example.com,"
            f"{number},{bic},{amount},{currency}"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return accounts


def environment(base_url, key_path):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KESS_", "PAYOUT_"))}
    return inherited | {
        "KESS_BASE_URL": base_url,
        "KESS_CLIENT_ID": stranger.CLIENT_ID,
        "KESS_CLIENT_SECRET": stranger.CLIENT_SECRET,
        "KESS_USERNAME": stranger.USERNAME,
        "KESS_PASSWORD": stranger.PASSWORD,
        "KESS_API_SECRET_KEY": stranger.API_SECRET,
        "KESS_SELLER_CODE": stranger.SELLER,
        "KESS_PUBLIC_KEY_FILE": str(key_path),
        "PAYOUT_STORE": "sqlite://payout.db",
    }


# Pauses that would be minutes against the real gateway; the rules are the same.
POLICY = """
[policy]
settle = "150ms"
not_found_gap = "20ms"
retry_after = "20ms"
doubt = { first = "20ms", longest = "100ms" }
processing = { first = "20ms", longest = "100ms" }
otp = { first = "20ms", longest = "100ms" }
retry = { first = "20ms", longest = "100ms" }
circuit = { first = "20ms", longest = "100ms" }
"""


class Driver:
    def __init__(self, options, folder):
        self.options, self.folder, self.draw = options, folder, random.Random(options.seed)
        accounts = write_batch(folder / "batch.csv", options.rows, options.seed)
        self.gateway = stranger.Gateway(
            folder, options.seed, options.faults, options.otp_every, options.token_life, accounts
        )
        self.base_url, self.stop = stranger.serve(self.gateway)
        (folder / "payout.toml").write_text(POLICY)
        self.env = environment(self.base_url, self.gateway.key.public_path)
        self.kills = 0

    def calls(self):
        with self.gateway.lock:
            return sum(self.gateway.calls.values())

    def run(self, *arguments, kill_after=None):
        command = [self.options.payout, *arguments]
        out = open(self.folder / "out.json", "wb")
        err = open(self.folder / "err.log", "ab")
        process = subprocess.Popen(
            command, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        if kill_after is not None:
            threading.Thread(
                target=self.kill, args=(process, self.calls() + kill_after), daemon=True
            ).start()
        try:
            code = process.wait(timeout=self.options.timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise SystemExit(
                f"{command} did not end within {self.options.timeout} s\n{self.errors()}"
            )
        return code

    def kill(self, process, at):
        while process.poll() is None:
            if self.calls() >= at:
                process.kill()
                self.kills += 1
                return
            time.sleep(0.001)  # looks again; decides nothing

    def errors(self):
        return (self.folder / "err.log").read_text(errors="replace")[-4000:]

    def drive(self):
        o = self.options
        per_kill = max(5, o.rows * 3 // (o.kills + 2)) if o.kills else None
        kill = (lambda: self.draw.randrange(1, per_kill)) if o.kills else (lambda: None)
        codes = [
            self.run(
                "run",
                "batch.csv",
                "--yes",
                "--otp",
                "wait",
                "--route",
                o.route,
                "--concurrency",
                "32",
                "--progress",
                "none",
                "--json",
                kill_after=kill(),
            )
        ]
        for _ in range(o.kills + 40):
            if codes[-1] in (0, 4):
                break
            left = self.kills < o.kills
            nothing_yet = codes[-1] == -9 and not self.known()
            arguments = (
                [
                    "run",
                    "batch.csv",
                    "--yes",
                    "--otp",
                    "wait",
                    "--route",
                    o.route,
                    "--json",
                    "--progress",
                    "none",
                ]
                if nothing_yet
                else ["resume", "--json", "--progress", "none"]
            )
            codes.append(self.run(*arguments, kill_after=kill() if left else None))
        if codes[-1] not in (0, 4):
            raise SystemExit(f"the batch never finished, exit codes {codes}\n{self.errors()}")
        if self.run("report", "--format", "json") != 0:
            raise SystemExit(f"no report\n{self.errors()}")
        return json.loads((self.folder / "out.json").read_bytes()), codes

    def known(self):
        """Whether the store holds a batch: a kill may come before the first is written."""
        return (
            self.run("list", "--json") == 0 and b"batch" in (self.folder / "out.json").read_bytes()
        )

    def compare(self, report):
        """What report and ledger disagree on."""
        found, rows = [], report["rows"]
        ledger = {}
        for booking in self.gateway.ledger:
            ledger.setdefault(booking["account"], []).append(booking)
        source = (self.folder / "batch.csv").read_text().splitlines()[1:]
        if len(rows) != len(source):
            found.append(f"{len(source)} rows in the file, {len(rows)} in the report")
        by_reference = {r["reference"]: r for r in rows}
        for line in source:
            cells = line.split(",")
            reference, account, amount, currency = cells[0], cells[5], cells[7], cells[8]
            row, booked = by_reference.get(reference), ledger.get(account, [])
            if row is None:
                found.append(f"{reference} is not in the report")
                continue
            if len(booked) > 1:
                found.append(f"{reference} was paid {len(booked)} times: {booked}")
            if row["status"] not in ("paid", "failed"):
                found.append(f"{reference} ended as {row['status']}: {row['error']}")
            if (row["status"] == "paid") != bool(booked):
                found.append(f"{reference} is {row['status']}, the ledger holds {booked}")
            for booking in booked:
                if (Decimal(booking["amount"]), booking["currency"]) != (Decimal(amount), currency):
                    found.append(f"{reference}: {amount} {currency} asked, {booking} booked")
                if booking["out_trade_no"] != row["out_trade_no"]:
                    found.append(
                        f"{reference}: order {row['out_trade_no']} reported, "
                        f"{booking['out_trade_no']} booked"
                    )
            if account not in self.gateway.names and row["status"] != "failed":
                found.append(
                    f"{reference}: the account does not exist, and the row is {row['status']}"
                )
        return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--payout", required=True)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--faults", type=float, default=0.0)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--otp-every", type=int, default=0)
    parser.add_argument("--token-life", type=int, default=1800)
    parser.add_argument("--route", default="token")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timeout", type=int, default=240)
    options = parser.parse_args()
    options.payout = str(pathlib.Path(options.payout).resolve())
    with tempfile.TemporaryDirectory(prefix="payout-foreign-") as name:
        driver = Driver(options, pathlib.Path(name))
        report, codes = driver.drive()
        gateway = driver.gateway
        found = [f"{p['kind']}: {p['detail']}" for p in gateway.problems] + driver.compare(report)
        log = (pathlib.Path(name) / "err.log").read_text(errors="replace")
        secrets = [
            stranger.API_SECRET,
            stranger.CLIENT_SECRET,
            stranger.PASSWORD,
            *gateway.access,
            *gateway.names,
        ]
        found += [
            f"the log shows a secret or an account number: {s[:4]}..." for s in secrets if s in log
        ]
        driver.stop()
    print(
        f"seed {options.seed}: {len(report['rows'])} rows, {len(gateway.ledger)} bookings, "
        f"{driver.kills} kills, exit codes {codes}"
    )
    print(f"calls {gateway.calls}\nfaults {gateway.hits}")
    if options.faults and not gateway.hits:
        found.append("no fault was ever hit")
    if found:
        print(
            "\n".join(found[:40]),
            f"\n{len(found)} disagreements; seed {options.seed}",
            file=sys.stderr,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
