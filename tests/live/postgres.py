"""A private PostgreSQL cluster from Debian's package, on loopback."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from signal import SIGCONT, SIGSTOP, Signals
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql

from live.memory import folder_in_memory
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

# A crash of the machine may lose what such a cluster holds. The checkpoints that come
# with every new database then cost next to nothing.
_CARELESS = """
fsync = off
full_page_writes = off
max_wal_size = 128MB
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


def database_of(url: str) -> str:
    """Name the database that a URL leads to."""
    return url.rpartition("/")[2]


class PostgresCluster:
    """One running cluster; each user asks it for a database of his own.

    Only a ``durable`` one waits for the disk as an operator's would.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._settings = _SETTINGS if durable else _SETTINGS + _CARELESS
        self._programs = programs_folder()
        # Not below pytest's folder, which the cluster's own user may not enter.
        place = None if durable else folder_in_memory()
        self._folder = Path(tempfile.mkdtemp(prefix="moorage-postgres-", dir=place))
        self._data = self._folder / "data"
        self._port = free_port()
        self._password = secrets.token_hex(12)
        self._numbers = itertools.count(1)

    def start(self) -> None:
        """Make the cluster and wait until it accepts connections."""
        if os.geteuid() == 0:
            shutil.chown(self._folder, _SYSTEM_USER, _SYSTEM_USER)
        self._make()
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(self._settings.format(port=self._port, folder=self._folder))
        self.resume()

    def _make(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(self._password)
        if os.geteuid() == 0:
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

    def create_database(self, template: str = "template1") -> str:
        """Create a database and return its URL: empty, or a copy of another's files."""
        url = self.url(f"moorage_{next(self._numbers)}")
        self._administer(
            "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy",
            *(database_of(url), database_of(template)),
        )
        return url

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever may still be connected."""
        self._administer("DROP DATABASE {} WITH (FORCE)", database_of(url))

    def url(self, database: str = "postgres") -> str:
        """Give the URL of a database of this cluster."""
        return (
            f"postgresql://postgres:{self._password}@127.0.0.1:{self._port}/{database}"
        )

    def restart(self, mode: str = "fast") -> None:
        """Restart the server; ``immediate`` is like a crash."""
        log = self._folder / "log"
        self._run("pg_ctl", "restart", "-w", "-m", mode, "-D", self._data, "-l", log)

    def halt(self) -> None:
        """End the server, and keep its files."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self._data)

    def resume(self) -> None:
        """Start it again."""
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-l", self._folder / "log")

    @property
    def pid(self) -> int:
        """The process that all others of the server descend from."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def freeze(self) -> None:
        """Have it answer nothing any more, and not even end."""
        self._signal(SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(SIGCONT)

    def _signal(self, number: Signals) -> None:
        parent = self.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        for pid in (parent, *map(int, children.split())):
            os.kill(pid, number)

    @property
    def password(self) -> str:
        """What the administrator of the cluster signs in with."""
        return self._password

    def stop(self) -> None:
        """End the cluster and remove its files."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self._data)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _administer(self, statement: LiteralString, *names: str) -> None:
        identifiers = [sql.Identifier(name) for name in names]
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*identifiers))

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


class PostgresReplica(PostgresCluster):
    """A copy of a cluster that follows it."""

    def __init__(self, primary: PostgresCluster) -> None:
        super().__init__()
        self._primary = primary
        self._password = primary.password

    def _make(self) -> None:
        self._run(
            "pg_basebackup",
            f"--pgdata={self._data}",
            f"--dbname={self._primary.url()}",
            "--write-recovery-conf",
            "--checkpoint=fast",
        )
