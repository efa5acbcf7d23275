"""Settings on the command line: every row of the table is an option."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from moorage.config import Settings, SettingsError, describe, load_settings


def settings_from(options: Mapping[str, str], config: Path | None) -> Settings:
    """Read the settings of a command.

    Raises:
        SettingsError: One cannot be used, or is none.
    """
    given = {name.replace("-", "_"): value for name, value in options.items()}
    known = {row.name for row in describe()}
    for name in given.keys() - known:
        raise SettingsError(f"--{name.replace('_', '-')} is not an option.")
    return load_settings(given, os.environ, config)


def make_data_folder(settings: Settings) -> None:
    """See that the data folder is there.

    Raises:
        SettingsError: It cannot be.
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{settings.data_dir} cannot be the data folder: {error.strerror}."
        ) from error


def settings_help() -> str:
    """Write the table of settings for the help of a command."""
    rows = (
        f"`--{row.name.replace('_', '-')}` ({row.environment}): {row.sentence}"
        for row in describe()
    )
    return "Settings, also in the environment or in a TOML file:\n\n" + "\n\n".join(
        rows
    )
