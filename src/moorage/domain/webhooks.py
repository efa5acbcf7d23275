"""Webhooks: addresses that are told of what happens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from moorage.domain.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)

MAX_URL_LENGTH = 2000


class WebhookUnknownError(NotFoundError):
    """The project has no such webhook."""

    message = "404 Webhook Not Found"


class WebhookExistsError(ConflictError):
    """The project has a webhook of this address."""

    message = "webhook already exists"


class WebhookInvalidError(InvalidError):
    """Not an address that events can be sent to."""

    message = "url is invalid"


class DeliveryError(UnavailableError):
    """A webhook did not take events: they are sent again."""

    message = "webhook does not answer"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events are sent: those of one project, or of all."""

    id: int
    project_id: int | None
    url: str
    created_at: datetime

    @property
    def shown_url(self) -> str:
        """The address without the password that it may hold."""
        parts = urlsplit(self.url)
        if parts.password is None:
            return self.url
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=f"{parts.username}:***@{host}").geturl()


def check_url(text: str) -> str:
    """Return an address that events can be sent to.

    Raises:
        WebhookInvalidError: It is none.
    """
    try:
        parts = urlsplit(text)
        fit = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        fit = False
    readable = text.isascii() and text.isprintable() and " " not in text
    if not fit or not readable or len(text) > MAX_URL_LENGTH:
        raise WebhookInvalidError
    return text
