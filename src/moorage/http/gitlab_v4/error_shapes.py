"""The shapes of refusals by status: see ``errors``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict


class MessageEntity(TypedDict):
    """A refusal, most of them with the status in its text."""

    message: str


class FieldMessagesEntity(TypedDict):
    """A refusal with sentences on each field that is wrong."""

    message: dict[str, list[str]]


class MessagesEntity(TypedDict):
    """A refusal with sentences on what is wrong."""

    message: list[str]


class ErrorEntity(TypedDict):
    """A refusal of parameters: sentences, joined by commas."""

    error: str


class TokenErrorEntity(TypedDict):
    """A refusal of a token, in the words of OAuth."""

    error: str
    error_description: str
    scope: NotRequired[str]


ERRORS: Mapping[int, Any] = {
    301: MessageEntity,
    400: ErrorEntity | MessageEntity | FieldMessagesEntity,
    401: MessageEntity | TokenErrorEntity,
    403: MessageEntity | TokenErrorEntity,
    404: MessageEntity | ErrorEntity,
    405: MessageEntity | ErrorEntity,
    409: MessageEntity,
    412: MessageEntity,
    413: MessageEntity,
    415: ErrorEntity,
    422: MessageEntity | MessagesEntity | FieldMessagesEntity,
    503: MessageEntity,
}
