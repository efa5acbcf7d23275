"""The instance: its version."""

from __future__ import annotations

from starlette.responses import Response

from moorage import __version__
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.routing import Route

COMPATIBLE_VERSION = "18.9.0"
"""The release of GitLab whose registry API this is; clients compare it."""

_VERSION = {"version": COMPATIBLE_VERSION, "revision": f"moorage-{__version__}"}


async def version(call: Call) -> Response:
    """``GET /version``."""
    call.sign_in()
    return answer(_VERSION)


async def metadata(call: Call) -> Response:
    """``GET /metadata``."""
    call.sign_in()
    kas = {
        "enabled": False,
        "externalUrl": None,
        "externalK8sProxyUrl": None,
        "version": None,
    }
    return answer({**_VERSION, "kas": kas, "enterprise": False})


ROUTES = (
    Route("GET", "/version", version, scopes=("read_user",)),
    Route("GET", "/metadata", metadata, scopes=("read_user",)),
)
