"""Events in the form that Docker's registry sends them.

Source: distribution v3, "Notifications"; as observed from v3.1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from moorage.domain.events import Action, Change, RegistryEvent, RequestFacts, Subject

MEDIA_TYPE = "application/vnd.docker.distribution.events.v2+json"


@dataclass(frozen=True, slots=True)
class Source:
    """The registry that tells, as its events name it.

    ``base_url`` is what clients call, ``instance_id`` new with every start.
    """

    base_url: str
    address: str
    instance_id: str


def render_envelope(events: Iterable[RegistryEvent], source: Source) -> bytes:
    """Write the body of one request."""
    rendered = [render_event(event, source) for event in events]
    return json.dumps({"events": rendered}, separators=(",", ":")).encode()


def render_event(event: RegistryEvent, source: Source) -> dict[str, Any]:
    """Write one event; what does not apply is left out as Docker does."""
    request, actor = event.occasion.request, event.occasion.actor
    at = event.at.astimezone(UTC)
    base_url = (request.base_url if request else None) or source.base_url
    return {
        "id": event.id,
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "action": event.change.action.value,
        "target": _target(event.change, event.repository, base_url),
        "request": {} if request is None else _request(request),
        "actor": {} if actor is None else {"name": actor},
        "source": {"addr": source.address, "instanceID": source.instance_id},
    }


def _target(change: Change, repository: str, base_url: str) -> dict[str, Any]:
    target: dict[str, Any] = {
        "mediaType": change.media_type,
        "digest": "" if change.digest is None else str(change.digest),
        "size": change.size_bytes,
    }
    there = change.action is not Action.DELETE
    if there:
        target["length"] = change.size_bytes
    target["repository"] = repository
    if change.from_repository is not None:
        target["fromRepository"] = change.from_repository
    if there:
        kind = "blobs" if change.subject is Subject.BLOB else "manifests"
        target["url"] = f"{base_url}/v2/{repository}/{kind}/{change.digest}"
    if change.tag is not None:
        target["tag"] = change.tag
    return target


def _request(request: RequestFacts) -> dict[str, str]:
    return {
        "id": request.id,
        "addr": request.address,
        "host": request.host,
        "method": request.method,
        "useragent": request.user_agent,
    }
