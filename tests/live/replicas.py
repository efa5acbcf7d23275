"""Replicas behind nginx that share PostgreSQL and an object store, and workers."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from live.network import free_port
from live.nginx import Nginx
from live.registry import RegistryClient
from live.server import PROGRAM, MoorageServer, clean_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROOT_TOKEN = "glpat-root-of-all-replicas"
REPLICAS = 3
WORKERS = 2


class Fleet:
    """Three replicas, two workers, one nginx."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        storage_url: str,
        settings: Mapping[str, str],
    ) -> None:
        port = free_port()
        self.settings = {
            "MOORAGE_STORAGE_URL": storage_url,
            "MOORAGE_ROOT_TOKEN": ROOT_TOKEN,
            "MOORAGE_EXTERNAL_URL": f"http://127.0.0.1:{port}",
            "MOORAGE_WORKERS": "1",
            **settings,
        }
        self.database_url = database_url
        self.storage_url = storage_url
        self._folder = folder
        self.replicas = [
            MoorageServer(
                folder / f"replica{number}",
                database_url=database_url,
                settings=self.settings,
            )
            for number in range(REPLICAS)
        ]
        hosts = [replica.host for replica in self.replicas]
        self.nginx = Nginx("proxied.conf", hosts, port)
        self._workers: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start all of it at once, as a cluster does."""
        for replica in self.replicas:
            replica.launch()
        for number in range(WORKERS):
            self._start_worker(number)
        for replica in self.replicas:
            replica.wait_until_ready()
        self.nginx.start()

    def _start_worker(self, number: int) -> None:
        environment = {
            **clean_environment(),
            **self.settings,
            "MOORAGE_DATABASE_URL": self.database_url,
            "MOORAGE_DATA_DIR": str(self._folder / f"worker{number}"),
        }
        with (self._folder / f"worker{number}.log").open("wb") as log:
            process = subprocess.Popen(
                [PROGRAM, "worker"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._workers.append(process)

    def workers_alive(self) -> int:
        """Count the workers that go on."""
        return sum(worker.poll() is None for worker in self._workers)

    def client(self, replica: MoorageServer | None = None) -> RegistryClient:
        """Connect to a replica, or to whichever nginx chooses."""
        url = self.nginx.url if replica is None else replica.url
        return RegistryClient(url, "root", ROOT_TOKEN)

    def stop(self) -> None:
        """End all of it."""
        self.nginx.stop()
        for worker in self._workers:
            worker.kill()
            worker.wait()
        for replica in self.replicas:
            replica.kill9()
