"""nginx from Debian's package, with a site as an operator would write it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from live.network import free_port
from live.programs import PATH
from live.s3 import wait_for_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

SITES = Path(__file__).parents[2] / "deploy" / "nginx"

_SETTINGS = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{site}
}}
"""
_SERVER = re.compile(r"server (moorage-\d|127\.0\.0\.1):5000")


class Nginx:
    """A file of ``deploy/nginx`` before servers on loopback, with their blobs."""

    def __init__(
        self, site: str, hosts: Sequence[str], port: int = 0, *, blobs: Path = SITES
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = Path(tempfile.mkdtemp(prefix="moorage-nginx-"))
        self._file = self._folder / "nginx.conf"
        text = _before(hosts, (SITES / site).read_text("utf-8"))
        text = text.replace("listen 80;", f"listen 127.0.0.1:{self.port};")
        text = text.replace("alias /srv/moorage/;", f"alias {blobs}/;")
        self._file.write_text(_SETTINGS.format(folder=self._folder, site=text))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it until it answers."""
        program = shutil.which("nginx", path=PATH) or "nginx"
        # The folder of the package's log is not everybody's.
        errors = self._folder / "error.log"
        self._process = subprocess.Popen(
            [program, "-p", self._folder, "-e", errors, "-c", self._file],
            stdin=subprocess.DEVNULL,
        )
        wait_for_answer(self.url, self._process, errors)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _before(hosts: Sequence[str], text: str) -> str:
    """Put other servers in the place of a file's."""
    left = iter(hosts)
    lines = []
    for line in text.splitlines():
        if _SERVER.search(line) is None:
            lines.append(line)
        elif (host := next(left, None)) is not None:
            lines.append(_SERVER.sub(f"server {host}", line))
    return "\n".join(lines)
