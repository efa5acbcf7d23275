"""Webhooks of a project's registry: ``/projects/:id/registry/webhooks``."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from moorage.domain.webhooks import Webhook
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.paging import answer_slice
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.registry_entities import row_time
from moorage.http.gitlab_v4.routing import Route

_WEBHOOKS = "/projects/{id}/registry/webhooks"
_WEBHOOK = _WEBHOOKS + "/{webhook_id}"


class CreateWebhook(Parameters, kw_only=True):
    """``POST …/webhooks``."""

    url: str


async def list_all(call: Call) -> Response:
    """``GET /projects/:id/registry/webhooks``."""
    found = await call.context.webhooks.list_all(call.principal, call.reference())
    return answer_slice(call, [_entity(webhook) for webhook in found])


async def get(call: Call) -> Response:
    """``GET /projects/:id/registry/webhooks/:webhook_id``."""
    found = await call.context.webhooks.get(
        call.principal, call.reference(), call.number("webhook_id")
    )
    return answer(_entity(found))


async def create(call: Call) -> Response:
    """``POST /projects/:id/registry/webhooks``."""
    wanted = call.read(CreateWebhook)
    made = await call.context.webhooks.create(
        call.principal, call.reference(), wanted.url
    )
    return answer(_entity(made), 201)


async def delete(call: Call) -> Response:
    """``DELETE /projects/:id/registry/webhooks/:webhook_id``."""
    await call.context.webhooks.delete(
        call.principal, call.reference(), call.number("webhook_id")
    )
    return no_content()


def _entity(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "project_id": webhook.project_id,
        "url": webhook.shown_url,
        "created_at": row_time(webhook.created_at),
    }


ROUTES = (
    Route("GET", _WEBHOOKS, list_all),
    Route("POST", _WEBHOOKS, create),
    Route("GET", _WEBHOOK, get),
    Route("DELETE", _WEBHOOK, delete),
)
