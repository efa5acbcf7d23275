"""Whether the server lives and is ready; and a word to those who come by browser."""

from __future__ import annotations

from dataclasses import dataclass

from moorage.domain.errors import UnavailableError
from moorage.http.messages import Receive, Request, Response, Scope, Send, send_response
from moorage.services.health import Health

FRONT_PAGE = b"Moorage, a container registry. Images: /v2/, API: /api/v4/.\n"


@dataclass(frozen=True, slots=True)
class HealthApp:
    """``/-/health``, ``/-/liveness``, ``/-/readiness``."""

    health: Health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        await send_response(request, await self._answer(request), scope, send)

    @property
    def is_stopping(self) -> bool:
        """Whether clients should go elsewhere."""
        return self.health.is_stopping

    async def _answer(self, request: Request) -> Response:
        match request.path:
            case "/":
                return _text(200, FRONT_PAGE)
            case "/-/health" | "/-/liveness":
                return _text(200, b"Moorage OK\n")
            case "/-/readiness":
                return await self._readiness()
            case _:
                return _text(404, b"Not found\n")

    async def _readiness(self) -> Response:
        try:
            await self.health.check()
        except UnavailableError as error:
            return Response.json(503, {"status": "failed", "message": str(error)})
        return Response.json(200, {"status": "ok"})


def _text(status: int, body: bytes) -> Response:
    return Response(status, {"Content-Type": "text/plain; charset=utf-8"}, body)
