"""A private PostgreSQL cluster from Debian's package, on loopback."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from live.network import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

_INSTALLATIONS = Path("/usr/lib/postgresql")
_SYSTEM_USER = "postgres"

# Every test database sorts text as people do, so that a query which forgets to ask
# for byte order is found out.
_LOCALE = ("--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8")

_SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
max_connections = 200
"""


def programs_folder() -> Path:
    """Find the newest installed PostgreSQL's programs.

    Raises:
        FileNotFoundError: PostgreSQL is not installed.
    """
    found = sorted(
        _INSTALLATIONS.glob("*/bin/initdb"),
        key=lambda path: int(path.parent.parent.name),
    )
    if not found:
        raise FileNotFoundError(
            "PostgreSQL is not installed; on Debian: apt-get install postgresql"
        )
    return found[-1].parent


class PostgresCluster:
    """One running cluster; each user asks it for a database of his own."""

    def __init__(self) -> None:
        self._programs = programs_folder()
        # Not below pytest's folder, which the cluster's own user may not enter.
        self._folder = Path(tempfile.mkdtemp(prefix="moorage-postgres-"))
        self._data = self._folder / "data"
        self._port = free_port()
        self._password = secrets.token_hex(12)
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Make the cluster and wait until it accepts connections."""
        password_file = self._folder / "password"
        password_file.write_text(self._password)
        if os.geteuid() == 0:
            shutil.chown(self._folder, _SYSTEM_USER, _SYSTEM_USER)
            shutil.chown(password_file, _SYSTEM_USER, _SYSTEM_USER)
        self._run(
            "initdb",
            f"--pgdata={self._data}",
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            *_LOCALE,
        )
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS.format(port=self._port, folder=self._folder))
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-l", self._folder / "log")

    def create_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"moorage_{next(self._numbers)}"
        self._administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def url(self, database: str = "postgres") -> str:
        """Give the URL of a database of this cluster."""
        return (
            f"postgresql://postgres:{self._password}@127.0.0.1:{self._port}/{database}"
        )

    def stop(self) -> None:
        """End the cluster and remove its files."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", self._data)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str | Path) -> None:
        command: Sequence[str | Path] = [self._programs / program, *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", _SYSTEM_USER, "--", *command]
        # The server inherits these files: a pipe would never reach its end.
        with (self._folder / f"{program}.out").open("w+") as output:
            done = subprocess.run(
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
            output.seek(0)
            if done.returncode != 0:
                raise RuntimeError(f"{program} failed: {output.read()}")
