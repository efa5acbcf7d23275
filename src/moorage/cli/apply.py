"""``moorage apply``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from moorage.cli.operator import Operator, run_job


def apply(
    repository: str,
    plan_id: int,
    *,
    acting_as: str = "root",
    json_output: Annotated[bool, Parameter(name="--json")] = False,
    config: Path | None = None,
    **settings: str,
) -> None:
    """Delete the tags that a plan says, where they have not moved since.

    Args:
        repository: The repository's full name, as in ``group/project/image``.
        plan_id: The plan's number.
        acting_as: The user whose rights count, and who history says did it.
        json_output: Print the finished job as the API shows it.
        config: A TOML file of settings.
        settings: Any setting, by name.
    """

    async def begin(somebody: Operator) -> int:
        found = await somebody.repository(repository)
        plans = somebody.services.plans
        return await plans.apply(found, plan_id, somebody.principal)

    run_job(begin, acting_as, settings, config, json_output=json_output)
