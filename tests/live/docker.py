"""A private Docker daemon, without networks, and the command line that talks to it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from live.programs import PATH, run

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS_TO_START = 30
_SECONDS_TO_STOP = 30


class DaemonUnavailableError(Exception):
    """The daemon is not installed, or cannot run on this machine."""


class Docker:
    """The command line, with a daemon and a configuration of its own.

    The daemon takes a registry on loopback for one that may speak plain HTTP.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {
            "DOCKER_HOST": f"unix://{folder}/docker.sock",
            "DOCKER_CONFIG": str(folder / "client"),
            # The builder that every daemon has; the other one is a program more.
            "DOCKER_BUILDKIT": "0",
        }

    def __call__(self, *arguments: str | Path) -> str:
        return run("docker", *arguments, environment=self._environment).strip()

    @property
    def client_settings(self) -> Path:
        """Where the command line keeps its logins."""
        return self._folder / "client" / "config.json"

    def start(self) -> None:
        """Run the daemon until it answers.

        Raises:
            DaemonUnavailableError: It does not; the message says why.
        """
        if os.geteuid() != 0:
            raise DaemonUnavailableError("dockerd needs root")
        program = shutil.which("dockerd", path=PATH)
        if program is None or shutil.which("docker", path=PATH) is None:
            raise DaemonUnavailableError("docker is not installed")
        settings = self._folder / "daemon.json"
        settings.write_text("{}")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(program, "--config-file", settings, "--storage-driver=vfs"),
                    *("--data-root", self._folder / "root"),
                    *("--exec-root", self._folder / "exec"),
                    *("--pidfile", self._folder / "docker.pid"),
                    *("--host", self._environment["DOCKER_HOST"]),
                    *("--iptables=false", "--ip-forward=false", "--ip-masq=false"),
                    "--bridge=none",
                ],
                env={**os.environ, "PATH": PATH},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + _SECONDS_TO_START
        while self._process.poll() is None and time.monotonic() < deadline:
            if (self._folder / "docker.sock").exists():
                return
            time.sleep(0.05)
        self.stop()
        last = self._log.read_text(errors="replace").splitlines()[-1:]
        raise DaemonUnavailableError(f"dockerd does not run here: {''.join(last)}")

    def stop(self) -> None:
        """End the daemon, which ends its own containerd."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def remove_images(self) -> None:
        """Forget every image, so that a pull has to fetch it."""
        self("image", "prune", "--all", "--force")


@contextlib.contextmanager
def running_docker() -> Iterator[Docker]:
    """Run a daemon in a folder of its own, removed afterwards."""
    with tempfile.TemporaryDirectory(
        prefix="moorage-docker-", ignore_cleanup_errors=True
    ) as folder:
        docker = Docker(Path(folder))
        docker.start()
        try:
            yield docker
        finally:
            docker.stop()
