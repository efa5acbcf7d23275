"""Where files cost no disk: for what need not outlive the machine."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (folders in it have random names)
_ENOUGH_BYTES = 2 << 30


def folder_in_memory() -> str:
    """Name a folder in memory, or the ordinary one where there is too little."""
    if (
        os.access(_SHARED_MEMORY, os.W_OK)
        and shutil.disk_usage(_SHARED_MEMORY).free > _ENOUGH_BYTES
    ):
        return str(_SHARED_MEMORY)
    return tempfile.gettempdir()
