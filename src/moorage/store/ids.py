"""The ids of rows."""

from __future__ import annotations

MAX_ID = (1 << 63) - 1
"""Greater numbers fit no column; this one is never given away."""
