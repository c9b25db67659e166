"""`python -m kesspay` is the `payout` command."""

from __future__ import annotations

import signal
import sys

from kesspay import _native


def main() -> int:
    """Runs the command with the arguments of this process, and gives its exit code."""
    # The command listens to Ctrl-C itself, and drains what is under way.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.command(["payout", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
