"""Attacks a running `payout sandbox` with schemathesis.

    attack_sandbox.py path/to/payout

The sandbox is started on a free port and stopped at the end. Most of the requests that schemathesis
makes up from spec/openapi.json are signed and carry a token (`attack_hooks.py`), so that they reach
what lies behind the checks. Found is: any 5xx, and any success whose data does not fit the schema
of the reply that belongs to the service.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Fewer services answering with success would mean that the requests die at the door.
SERVICES_TO_REACH = 28
SEED = "20261122"


def start(payout, folder):
    """The sandbox, and what it says that a client has to know."""
    process = subprocess.Popen(
        [payout, "sandbox", "--json", "--port", "0"],
        cwd=folder, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    )
    text = ""
    while True:
        line = process.stdout.readline()
        if not line:
            sys.exit(f"the sandbox ended with {process.wait()} before it said where it listens")
        text += line
        try:
            return process, json.loads(text)
        except json.JSONDecodeError:
            continue


def attack(settings, folder):
    """Runs schemathesis; what the hooks have seen comes back in a file."""
    seen = Path(folder) / "seen.json"
    environment = dict(
        os.environ,
        SCHEMATHESIS_HOOKS="attack_hooks",
        PYTHONPATH=str(HERE),
        KESS_ATTACK=json.dumps(settings),
        KESS_ATTACK_SEEN=str(seen),
    )
    schemathesis = Path(sys.executable).with_name("schemathesis")
    command = [
        str(schemathesis), "run", str(HERE.parent / "openapi.json"),
        "--url", settings["KESS_BASE_URL"],
        "--checks", "not_a_server_error,reply_fits_its_service",
        "--phases", "examples,coverage,fuzzing",
        "--max-examples", "400", "--seed", SEED, "--continue-on-failure",
        "--suppress-health-check", "all", "--request-timeout", "10", "--warnings", "off",
    ]
    code = subprocess.run(command, cwd=folder, env=environment, check=False).returncode
    return code, json.loads(seen.read_text(encoding="utf-8")) if seen.exists() else {}


def main():
    payout = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        process, settings = start(payout, folder)
        try:
            code, seen = attack(settings, folder)
        finally:
            process.kill()
            process.wait()
    reached = sorted(service for service, count in seen.items() if count)
    print(f"{sum(seen.values())} successes from {len(reached)} of {len(seen)} services")
    print(f"never: {', '.join(sorted(set(seen) - set(reached)))}")
    if code == 0 and len(reached) < SERVICES_TO_REACH:
        print(f"too few: at least {SERVICES_TO_REACH} have to be reached, only {reached} were")
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
