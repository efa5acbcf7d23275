"""Sending to addresses that other people chose."""

from __future__ import annotations

from typing import Protocol


class Sender(Protocol):
    """Posts a body somewhere, once, and follows no redirect."""

    async def post(
        self, url: str, media_type: str, body: bytes, *, anywhere: bool
    ) -> int:
        """Return the status of the answer.

        With ``anywhere`` the operator chose the address. Else it must not lead to
        this machine or to its link, where clouds keep credentials.

        Raises:
            DeliveryError: There was no answer, or the address is not allowed.
        """
