"""``moorage serve``."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
import time
from datetime import timedelta
from math import ceil
from multiprocessing import active_children
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from moorage.cli.settings import make_data_folder, settings_from
from moorage.config import Settings, SettingsError, as_environment
from moorage.domain.access import CredentialKind
from moorage.domain.tokens import spell_secret
from moorage.ports.clock import SystemClock
from moorage.ports.database import Database
from moorage.services.bootstrap import bootstrap, is_bootstrapped
from moorage.services.webhooks import set_webhooks_of_instance
from moorage.store import migrate as schema
from moorage.wiring import PARENT, STOP_ANNOUNCED, open_database, open_store

HEADER_MILLISECONDS = 10_000


def serve(*, config: Path | None = None, **settings: str) -> None:
    """Serve images, the API and the token service.

    Makes the data folder, the schema and the first administrator where they are
    missing.

    Args:
        config: A TOML file of settings.
        settings: Any setting, by name.
    """
    chosen = settings_from(settings, config)
    _check_listener(chosen)
    make_data_folder(chosen)
    asyncio.run(_prepare(chosen))
    # The processes that serve requests read their settings from here.
    os.environ.update({**as_environment(chosen), PARENT: str(os.getpid())})
    sys.stdout.write(f"moorage listens on {chosen.public_url}\n")
    sys.stdout.flush()
    _server(chosen).serve()


def _check_listener(settings: Settings) -> None:
    """Refuse an address that another program listens on.

    The server itself would share the port with it: its own processes do.

    Raises:
        SettingsError: The address cannot be listened on.
    """
    listen = settings.listen
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen.host, listen.port))
        except OSError as error:
            raise SettingsError(
                f"{listen} cannot be listened on: {error.strerror}."
            ) from error


async def _prepare(settings: Settings) -> None:
    await open_store(settings).close()
    database = open_database(settings)
    schema.migrate(database, SystemClock().now())
    await _ensure_administrator(settings, database)
    await set_webhooks_of_instance(database, SystemClock(), settings.notifications)
    await database.close()


async def _ensure_administrator(settings: Settings, database: Database) -> None:
    token = settings.root_token
    if token is not None:
        await bootstrap(database, SystemClock(), token)
        return
    if await is_bootstrapped(database):
        return
    token = spell_secret(CredentialKind.PERSONAL, secrets.token_urlsafe(20))
    path = settings.data_dir / "root-token"
    path.touch(mode=0o600)
    path.write_text(f"{token}\n", "ascii")
    await bootstrap(database, SystemClock(), token)
    sys.stdout.write(f"The token of the administrator root, also in {path}: {token}\n")


class _Server(MPServer):
    """A server that says that it is about to stop, before it does."""

    def __init__(self, target: str, shutdown_delay: timedelta, **options: Any) -> None:
        super().__init__(target, **options)
        self._shutdown_delay = shutdown_delay.total_seconds()

    def shutdown(self, exit_code: int = 0) -> None:
        """Let load balancers notice; then take no connections, and end."""
        if self._shutdown_delay:
            self._serve_on()
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]

    def _serve_on(self) -> None:
        children = active_children()
        for child in children:
            os.kill(child.ident or 0, STOP_ANNOUNCED)
        until = time.monotonic() + self._shutdown_delay
        # Whoever ends by himself, as on Ctrl-C, is not waited for.
        for child in children:
            child.join(max(0.0, until - time.monotonic()))


def _server(settings: Settings) -> MPServer:
    return _Server(
        "moorage.wiring:create_app",
        settings.shutdown_delay,
        factory=True,
        address=settings.listen.host,
        port=settings.listen.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        loop=Loops.uvloop,
        # One thread reads all of a body: see http/reading_ahead.
        runtime_mode=RuntimeModes.st,
        http=HTTPModes.auto,
        websockets=False,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=ceil(settings.shutdown_timeout.total_seconds()),
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS),
        http2_settings=HTTP2Settings(max_frame_size=1 << 20),
        log_level=LogLevels.warning,
        ssl_cert=settings.tls_cert,
        ssl_key=settings.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
    )
