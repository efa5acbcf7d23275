"""What people write: names and descriptions, and how long they may be."""

from __future__ import annotations

MAX_NAME_LENGTH = 255
MAX_DESCRIPTION_LENGTH = 2000
"""Of a project. Source: GitLab's projects."""

MAX_SHORT_DESCRIPTION_LENGTH = 255
"""Of a group or token. Source: GitLab's namespaces and personal access tokens."""


def name_complaints(text: str) -> list[str]:
    """Say why nothing can be called this."""
    return length_complaints(text, MAX_NAME_LENGTH) if text.strip() else [BLANK]


def length_complaints(text: str, maximum: int) -> list[str]:
    """Say that a text is too long if it is."""
    if len(text) <= maximum:
        return []
    return [f"is too long (maximum is {maximum} characters)"]


BLANK = "can't be blank"


def only_complaints(**found: list[str]) -> dict[str, list[str]]:
    """Leave out the fields that nothing is said of."""
    return {field: texts for field, texts in found.items() if texts}
