"""Webhooks of a project's registry: ``/projects/:id/registry/webhooks``."""

from __future__ import annotations

from typing import Annotated, TypedDict

from starlette.responses import Response

from moorage.domain.webhooks import Webhook
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import Keyword, Time
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import answer_slice
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.registry_entities import row_time
from moorage.http.gitlab_v4.routing import Route

_WEBHOOKS = "/projects/{id}/registry/webhooks"
_WEBHOOK = _WEBHOOKS + "/{webhook_id}"


class CreateWebhook(Parameters, kw_only=True):
    """``POST …/webhooks``."""

    url: Annotated[str, Keyword("pattern", "^[Hh][Tt][Tt][Pp][Ss]?://")]


class WebhookEntity(TypedDict):
    """A webhook; its address without a password."""

    id: int
    project_id: int | None
    url: str
    created_at: Time


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


def _entity(webhook: Webhook) -> WebhookEntity:
    return {
        "id": webhook.id,
        "project_id": webhook.project_id,
        "url": webhook.shown_url,
        "created_at": row_time(webhook.created_at),
    }


ROUTES = (
    Route(
        "GET",
        _WEBHOOKS,
        list_all,
        Operation("List webhooks", {200: list[WebhookEntity]}, paged=True),
    ),
    Route(
        "POST",
        _WEBHOOKS,
        create,
        Operation(
            "Create a webhook", {201: WebhookEntity}, CreateWebhook, errors=(409,)
        ),
    ),
    Route("GET", _WEBHOOK, get, Operation("Show a webhook", {200: WebhookEntity})),
    Route("DELETE", _WEBHOOK, delete, Operation("Delete a webhook", {204: None})),
)
