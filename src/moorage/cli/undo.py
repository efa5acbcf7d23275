"""``moorage undo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from moorage.cli.operator import Operator, run_job


def undo(
    job_id: int,
    *,
    acting_as: str = "root",
    json_output: Annotated[bool, Parameter(name="--json")] = False,
    config: Path | None = None,
    **settings: str,
) -> None:
    """Restore what a job removed: tags, or a repository.

    Args:
        job_id: The number of the job that removed them.
        acting_as: The user whose rights count, and who history says did it.
        json_output: Print the finished job as the API shows it.
        config: A TOML file of settings.
        settings: Any setting, by name.
    """

    async def begin(somebody: Operator) -> int:
        job = await somebody.services.jobs.get(somebody.principal, job_id)
        return await somebody.services.undo.undo(job, somebody.principal)

    run_job(begin, acting_as, settings, config, json_output=json_output)
