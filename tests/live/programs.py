"""Client programs, run as a user would run them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin"
_BUSYBOX = "/bin/busybox"


class ProgramFailedError(Exception):
    """A program ended with another status than 0."""


def run(
    *command: str | Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Run a program and return what it printed.

    Raises:
        ProgramFailedError: It failed; the message holds all that it said.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": PATH, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        line = " ".join(map(str, command))
        raise ProgramFailedError(
            f"{line}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
    return done.stdout


def make_busybox_layout(folder: Path, *, created: str | None = None) -> Path:
    """Make an OCI layout with an image ``v1`` of busybox, without any network."""
    layout, bundle = folder / "image", folder / "bundle"
    image = f"{layout}:v1"
    run("umoci", "init", "--layout", layout)
    run("umoci", "new", "--image", image)
    run("umoci", "unpack", "--rootless", "--image", image, bundle)
    programs = bundle / "rootfs" / "bin"
    programs.mkdir()
    run("cp", "-L", _BUSYBOX, programs / "busybox")
    run("umoci", "repack", "--image", image, bundle)
    dated = ["--created", created] if created else []
    run("umoci", "config", "--image", image, "--config.cmd", "/bin/busybox", *dated)
    run("umoci", "gc", "--layout", layout)
    return layout


def layout_blobs(layout: Path) -> dict[str, bytes]:
    """Read every blob of an OCI layout, by the name of its file."""
    blobs = layout / "blobs" / "sha256"
    return {path.name: path.read_bytes() for path in blobs.iterdir()}
