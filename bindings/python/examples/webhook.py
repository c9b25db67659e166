"""Receives the gateway's notices, with nothing but the standard library.

A notice says when to look, not what to believe: it comes more than once, out of order, or not at
all. So it is verified, and then the gateway is asked.

    python webhook.py 8000
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import kesspay
from kesspay import OrderStatus

LARGEST = 64 * 1024


def handle(client: kesspay.Client, body: bytes, paid: Callable[[str], None]) -> int:
    """Looks at one notice, and gives the status to answer it with."""
    try:
        notice = client.verify_notice(body)
    except (kesspay.SignatureError, kesspay.UnreadableReplyError):
        return 400
    try:
        order = client.query_order(out_trade_no=notice.out_trade_no)
    except kesspay.Error:
        # Another one comes later.
        return 503
    if order.status == OrderStatus.SUCCESS:
        # It may have been told before: whatever this does, it must do it once.
        paid(order.out_trade_no)
    return 200


def server(client: kesspay.Client, port: int, paid: Callable[[str], None]) -> ThreadingHTTPServer:
    """A server that is ready to be asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("content-length", 0)), LARGEST)
            self.send_response(handle(client, self.rfile.read(length), paid))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: a notice is personal."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main(port: int) -> None:
    with kesspay.Client.from_env() as client:
        server(client, port, lambda number: print(f"{number} is paid")).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
