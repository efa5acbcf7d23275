"""Webhooks of projects, for those who may administer their images."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from moorage.domain.access import Principal, Role
from moorage.domain.projects import Project
from moorage.domain.webhooks import (
    Webhook,
    WebhookExistsError,
    WebhookUnknownError,
    check_url,
)
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services.rights import NumberOrPath, project_for, require
from moorage.store import webhooks


class Webhooks:
    """Add, list and remove where a project's events are sent."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_all(
        self, principal: Principal, project: NumberOrPath
    ) -> list[Webhook]:
        """Return a project's own webhooks, oldest first.

        Raises:
            ProjectUnknownError: There is none that the caller sees.
            UnauthenticatedError, ForbiddenError: They are no Maintainer of it.
        """
        now = self._clock.now()
        return await self._database.read(
            lambda tx: webhooks.list_by_project(
                tx, _maintained(tx, principal, project, now).id
            )
        )

    async def get(
        self, principal: Principal, project: NumberOrPath, webhook_id: int
    ) -> Webhook:
        """Return a webhook of a project.

        Raises as ``list_all`` does, and:
            WebhookUnknownError: The project has none of this id.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Webhook:
            found = webhooks.find(tx, webhook_id)
            project_id = _maintained(tx, principal, project, now).id
            if found is None or found.project_id != project_id:
                raise WebhookUnknownError
            return found

        return await self._database.read(body)

    async def create(
        self, principal: Principal, project: NumberOrPath, url: str
    ) -> Webhook:
        """Have a project's events sent to an address.

        Raises as ``list_all`` does, and:
            WebhookInvalidError: It is no address.
            WebhookExistsError: They are sent there already.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Webhook:
            project_id = _maintained(tx, principal, project, now).id
            made = webhooks.create(tx, project_id, check_url(url), now=now)
            if made is None:
                raise WebhookExistsError
            return made

        return await self._database.write(body)

    async def delete(
        self, principal: Principal, project: NumberOrPath, webhook_id: int
    ) -> None:
        """Send no more there, what waits to be sent included.

        Raises as ``get`` does.
        """
        now = self._clock.now()

        def body(tx: Tx) -> None:
            project_id = _maintained(tx, principal, project, now).id
            if not webhooks.delete(tx, project_id, webhook_id):
                raise WebhookUnknownError

        await self._database.write(body)


def _maintained(
    tx: Tx, principal: Principal, reference: NumberOrPath, now: datetime
) -> Project:
    seen = project_for(tx, principal, reference, now)
    require(principal, seen.access.level, Role.MAINTAINER)
    return seen.project


async def set_webhooks_of_instance(
    database: Database, clock: Clock, urls: Sequence[str]
) -> None:
    """Have the events of all projects sent to these addresses, and to no others."""
    now = clock.now()
    await database.write(lambda tx: webhooks.set_of_instance(tx, urls, now=now))
