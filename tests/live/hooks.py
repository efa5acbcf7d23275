"""A place that webhooks lead to."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Listener(ThreadingHTTPServer):
    """Remembers what it was told; ``answers`` are its first statuses, then 200."""

    daemon_threads = True

    def __init__(self, *answers: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.told: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?a=b"

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events that were ever told, in order."""
        bodies = [json.loads(body) for _path, _headers, body in self.told]
        return [event for body in bodies for event in body["events"]]


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append((self.path, dict(self.headers), body))
        answers = self.server.answers
        status = answers.pop(0) if answers else 200
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815 (the names that the library looks for)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listening(*answers: int) -> Iterator[Listener]:
    """Run a listener."""
    with Listener(*answers) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()
