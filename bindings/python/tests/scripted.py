"""A gateway that answers what a test tells it to, for answers that no sandbox gives."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import kesspay

SECRETS = ("client-secret-7f1c", "password-9d2e", "api-secret-4b8a")

GRANT = {
    "token_type": "Bearer",
    "expires_in": 1800,
    "access_token": "access-token-51c0",
    "refresh_token": "refresh-token-e3aa",
}


class Answer:
    """What goes back: a status, a body, and headers."""

    def __init__(self, status: int, body: object, **headers: str) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = headers


def success(data: object) -> Answer:
    return Answer(200, {"success": True, "data": data})


class Scripted:
    """The server. `answer` is called with the fields of every call."""

    def __init__(self, answer: Callable[[dict[str, Any]], Answer | None]) -> None:
        self.calls: list[dict[str, Any]] = []
        self.grant = Answer(200, GRANT)
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/oauth/token":
                    reply: Answer | None = scripted.grant
                else:
                    fields = json.loads(body)
                    scripted.calls.append(fields)
                    reply = answer(fields)
                if reply is None:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(reply.body)))
                for name, value in reply.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def access(self) -> dict[str, Any]:
        return {
            "base_url": self.base_url,
            "client_id": "client",
            "client_secret": SECRETS[0],
            "username": "user",
            "password": SECRETS[1],
            "api_secret": SECRETS[2],
            "seller_code": "CU12-34567890",
            "max_attempts": 1,
            "timeout": 5,
        }

    def client(self, **options: Any) -> kesspay.Client:
        return kesspay.Client(**{**self.access(), **options})

    def async_client(self, **options: Any) -> kesspay.AsyncClient:
        return kesspay.AsyncClient(**{**self.access(), **options})

    def __enter__(self) -> Scripted:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
