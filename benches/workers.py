"""What another worker is worth: rows a second with one `payout worker` and with two, in turns, on
one PostgreSQL, while the gateway's latency is the limit.

    cargo xtask bench --workers postgres://USER@HOST/EMPTY_DATABASE

Each round loads a batch, lets the workers at it, and counts what is paid between a fifth and four
fifths of it, so that beginning and end are left out. What is printed is the median of the ratios.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

HEADING = (
    "reference,first_name,last_name,phone_number,email,bank_account_number,bic,amount,currency"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("payout", type=pathlib.Path)
    parser.add_argument("store")
    parser.add_argument("--rows", type=int, default=1_200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency", type=int, default=100, help="of the gateway, in ms")
    parser.add_argument("--concurrency", type=int, default=12, help="of each worker")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sandbox(given) as gateway:
        desk = Desk(given, pathlib.Path(folder), gateway)
        ratios = []
        for number in range(given.rounds):
            one, two = desk.rate(f"{number}-one", 1), desk.rate(f"{number}-two", 2)
            ratios.append(two / one)
            ratio = f"ratio {two / one:.2f}"
            print(f"one worker {one:7.1f} rows/s   two {two:7.1f} rows/s   {ratio}", flush=True)
        median = statistics.median(ratios)
        print(f"median of {len(ratios)} rounds: two pay {median:.2f} times as fast as one")


@contextlib.contextmanager
def sandbox(given):
    """A gateway that answers late, and the variables that point at it."""
    serve = [given.payout, "sandbox", "--otp", "never", "--latency", str(given.latency), "--json"]
    process = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


class Desk:
    def __init__(self, given, folder, gateway):
        self.given, self.folder = given, folder
        self.run_id = f"{os.getpid()}"
        self.environment = {
            **gateway,
            "PAYOUT_STORE": given.store,
            "PAYOUT_STATE_DIR": str(folder),
            "PATH": "",
        }

    def payout(self, *arguments):
        return [self.given.payout, *arguments]

    def ask(self, *arguments):
        command = self.payout(*arguments, "--json")
        place = {"env": self.environment, "cwd": self.folder}
        ended = subprocess.run(command, **place, capture_output=True, text=True)
        assert ended.returncode in (0, 5), ended.stderr
        return json.loads(ended.stdout)

    def rate(self, name, workers):
        """Rows a second in the middle of a batch."""
        rows, name = self.given.rows, f"bench-{self.run_id}-{name}"
        file = self.folder / f"{name}.csv"
        payee = "Dara,Sok,012345678,d@example.com"
        lines = [f"{name}-{n},{payee},00{n:06}1234,ABAAKHPP,1.00,USD" for n in range(rows)]
        file.write_text("\n".join([HEADING, *lines, ""]))
        concurrency = str(self.given.concurrency)
        how = ["--yes", "--hand-over", "--batch", name, "--concurrency", concurrency]
        self.ask("run", str(file), *how)
        crowd = [
            subprocess.Popen(
                self.payout("worker"),
                env=self.environment,
                cwd=self.folder,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(workers)
        ]
        seen = []
        try:
            while not seen or seen[-1][1] < rows:
                time.sleep(0.2)
                seen.append((time.monotonic(), self.ask("status", name)["counts"]["paid"]))
        finally:
            for worker in crowd:
                worker.terminate()
            for worker in crowd:
                worker.wait()
        middle = [(at, paid) for at, paid in seen if rows / 5 <= paid <= rows * 4 / 5]
        (begin, first), (end, last) = middle[0], middle[-1]
        return (last - first) / (end - begin)


if __name__ == "__main__":
    main()
