"""The instance: its version."""

from __future__ import annotations

from typing import Literal, TypedDict

from starlette.responses import Response

from moorage import __version__
from moorage.http.gitlab_release import API_VERSION
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.routing import Route


class VersionEntity(TypedDict):
    """Which release of GitLab's registry API this is, and which of Moorage."""

    version: str
    revision: str


class KasEntity(TypedDict):
    """What GitLab's agents would connect to; there is nothing."""

    enabled: Literal[False]
    externalUrl: str | None
    externalK8sProxyUrl: str | None
    version: str | None


class MetadataEntity(VersionEntity):
    """The version, and what GitLab tells beside it."""

    kas: KasEntity
    enterprise: bool


_VERSION: VersionEntity = {
    "version": API_VERSION,
    "revision": f"moorage-{__version__}",
}


async def version(call: Call) -> Response:
    """``GET /version``."""
    call.sign_in()
    return answer(_VERSION)


async def metadata(call: Call) -> Response:
    """``GET /metadata``."""
    call.sign_in()
    kas: KasEntity = {
        "enabled": False,
        "externalUrl": None,
        "externalK8sProxyUrl": None,
        "version": None,
    }
    body: MetadataEntity = {**_VERSION, "kas": kas, "enterprise": False}
    return answer(body)


ROUTES = (
    Route(
        "GET",
        "/version",
        version,
        Operation("Show the version", {200: VersionEntity}),
        scopes=("read_user",),
    ),
    Route(
        "GET",
        "/metadata",
        metadata,
        Operation("Show what the instance is", {200: MetadataEntity}),
        scopes=("read_user",),
    ),
)
