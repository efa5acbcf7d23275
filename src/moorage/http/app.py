"""One ASGI application from the front ends, split by path."""

from __future__ import annotations

from dataclasses import dataclass, field

from moorage.http.early_answers import AsgiApp, serve_to_the_end
from moorage.http.forwarded import Forwarding
from moorage.http.health import HealthApp
from moorage.http.messages import Message, Receive, Scope, Send, raw_path
from moorage.http.reading_ahead import ReadingAhead
from moorage.ports.database import PATIENCE

REQUEST_SECONDS = 30
"""How long a client waits for the database before he is told to try again."""

_WITH_LONG_BODIES = frozenset({"PATCH", "PUT"})


@dataclass(frozen=True, slots=True)
class FrontEnds:
    """The applications behind the listener."""

    registry: AsgiApp
    token: AsgiApp
    api: AsgiApp
    gitlab_v1: AsgiApp
    health: HealthApp
    forwarding: Forwarding = field(default_factory=Forwarding)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one request to the front end that its path belongs to."""
        PATIENCE.set(REQUEST_SECONDS)
        scope = self.forwarding.apply(scope)
        app = self._find(raw_path(scope))
        if self.health.is_stopping and scope.get("http_version", "1.1")[0] == "1":
            send = _closing(send)
        if scope.get("method") in _WITH_LONG_BODIES:
            receive = ReadingAhead(receive)
        await serve_to_the_end(app, scope, receive, send)

    def _find(self, path: str) -> AsgiApp:
        if path == "/v2" or path.startswith("/v2/"):
            return self.registry
        if path.rstrip("/") == "/jwt/auth":
            return self.token
        if path.startswith("/api/"):
            return self.api
        if path == "/gitlab/v1" or path.startswith("/gitlab/v1/"):
            return self.gitlab_v1
        return self.health


def _closing(send: Send) -> Send:
    """End the connection after an answer: the next one is to go elsewhere.

    A connection that is closed while it is idle may be closed just when somebody sends
    a request on it, and some requests nobody dares to send again.
    """

    async def send_and_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [pair for pair in message["headers"] if pair[0] != b"connection"]
            message["headers"] = [*others, (b"connection", b"close")]
        await send(message)

    return send_and_close
