"""A Moorage server as a process of its own, as an operator would run it."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from live.network import free_port
from live.registry import RegistryClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAM = Path(sys.executable).parent / "moorage"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_START_SECONDS = 60
_STOP_SECONDS = 45


class MoorageServer:
    """``moorage serve`` in a data folder, in a process group that can be killed."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = folder / "data"
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        self.root_token = f"glpat-{secrets.token_urlsafe(24)}"
        self._log = folder / "server.log"
        self._settings = {
            "MOORAGE_DATA_DIR": str(self.data_dir),
            "MOORAGE_LISTEN": self.host,
            "MOORAGE_ROOT_TOKEN": self.root_token,
            "MOORAGE_WORKERS": "2",
            **({"MOORAGE_DATABASE_URL": database_url} if database_url else {}),
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it says that it is ready."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the server."""
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "serve"],
                cwd=self.data_dir.parent,
                env={**clean_environment(), **self._settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Ask the server to end; a server that does not is an error."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired as late:
            self.kill9()
            raise RuntimeError(f"no end on SIGTERM\n{self.log_tail()}") from late
        self._kill_group(self._process.pid)
        self._process = None

    def kill9(self) -> None:
        """Kill every process of the server at once, as a power cut would."""
        if self._process is None:
            return
        self._kill_group(self._process.pid)
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """End the server if it runs, and start it on the same data and port."""
        self.stop()
        self.start()

    def rss_bytes(self) -> int:
        """Add up the resident memory of all processes of the server."""
        if self._process is None:
            return 0
        return sum(_resident_bytes(pid) for pid in members(self._process.pid))

    def log_tail(self, lines: int = 60) -> str:
        """Show the end of what the server wrote."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the program beside the server, with the same settings."""
        return subprocess.run(
            [PROGRAM, *words],
            env={**clean_environment(), **self._settings},
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=False,
        )

    def registry(
        self, username: str | None = "root", password: str | None = None
    ) -> RegistryClient:
        """Connect as somebody: the administrator by default, ``None`` for nobody."""
        if username == "root" and password is None:
            password = self.root_token
        return RegistryClient(self.url, username, password)

    def wait_until_ready(self) -> None:
        """Wait until the server says that it is ready.

        Raises:
            RuntimeError: It ended, or did not say so.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                self._process = None
                raise RuntimeError(f"the server ended at once\n{self.log_tail()}")
            if self._is_ready():
                return
            time.sleep(0.05)
        self.kill9()
        raise RuntimeError(f"the server did not become ready\n{self.log_tail()}")

    def _is_ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(f"{self.url}/-/readiness", trust_env=False, timeout=5)
            return answer.status_code == httpx.codes.OK
        return False

    @staticmethod
    def _kill_group(leader: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)
        while any(members(leader)):
            time.sleep(0.01)


def clean_environment() -> dict[str, str]:
    """Copy this process's environment without any setting of the product."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MOORAGE_")
    }


def members(group: int) -> Iterator[int]:
    """List the live processes of a process group, zombies left out."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The command, in parentheses, may itself contain spaces.
            state, _, member_of = (
                (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            )
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(member_of) == group and state not in "ZX":
            yield int(folder.name)


def _resident_bytes(pid: int) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
        return int(pages) * _PAGE_BYTES
    return 0
