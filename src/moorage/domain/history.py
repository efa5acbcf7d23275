"""Why something changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Cause:
    """Who changes tags, when, in which run; until when what they leave is kept."""

    actor: str
    now: datetime
    held_until: datetime
    job_id: int | None = None
