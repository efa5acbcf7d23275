"""The registry as a whole: which release of GitLab's it is like."""

from __future__ import annotations

from moorage.domain.scopes import STATISTICS
from moorage.http.gitlab_release import EXTRA_FEATURES, REGISTRY_VERSION
from moorage.http.gitlab_v1.call import Call
from moorage.http.messages import Response


async def get(call: Call) -> Response:
    """``GET /gitlab/v1/statistics/``."""
    await call.authorise_registry(STATISTICS)
    body = {
        "release": {
            "ext_features": EXTRA_FEATURES,
            "version": f"v{REGISTRY_VERSION}",
        },
        "database": {"enabled": True},
        # Of a registry without a database, as GitLab's was before; ours never was.
        "import": [],
    }
    return Response.json(200, body)
