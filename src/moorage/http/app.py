"""One ASGI application from the front ends, split by path."""

from __future__ import annotations

from dataclasses import dataclass, field

from moorage.http.early_answers import AsgiApp, serve_to_the_end
from moorage.http.forwarded import Forwarding
from moorage.http.health import HealthApp
from moorage.http.messages import Receive, Scope, Send, raw_path


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
        scope = self.forwarding.apply(scope)
        app = self._find(raw_path(scope))
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
