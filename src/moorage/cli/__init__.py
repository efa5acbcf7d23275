"""The command line, one file per command."""

from __future__ import annotations

import sys

from cyclopts import App

from moorage import __version__
from moorage.cli.apply import apply
from moorage.cli.gc import gc
from moorage.cli.migrate import migrate
from moorage.cli.migrate_data import migrate_data
from moorage.cli.plan import plan
from moorage.cli.serve import serve
from moorage.cli.settings import settings_help
from moorage.cli.undo import undo
from moorage.cli.why import why
from moorage.cli.worker import worker
from moorage.config import SettingsError
from moorage.domain.errors import RegistryError

app = App(name="moorage", version=__version__, help="A self-hosted container registry.")
for command in (serve, worker, migrate, migrate_data, plan, apply, undo, gc, why):
    app.command(command, help_epilogue=settings_help())


def main() -> None:
    """Run a command; say in one sentence what went wrong."""
    try:
        app()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except RegistryError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
