"""``moorage why``."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from moorage.cli.settings import settings_from
from moorage.config import Settings
from moorage.domain.digest import Digest
from moorage.domain.errors import RepositoryUnknownError
from moorage.domain.names import RepositoryName
from moorage.domain.reasons import Answer, Chain, Keeper, KeeperKind, Kind, Link
from moorage.http.gitlab_v4.why import why_entity
from moorage.ports.clock import SystemClock
from moorage.services.why import Why
from moorage.store import repositories
from moorage.wiring import open_database


def why(
    repository: str,
    digest: str,
    *,
    json_output: Annotated[bool, Parameter(name="--json")] = False,
    config: Path | None = None,
    **settings: str,
) -> None:
    """Say what keeps a manifest or blob, and from when on it may go.

    Args:
        repository: The repository's full name, as in ``group/project/image``.
        digest: The digest, as in ``sha256:…``.
        json_output: Print what the API answers.
        config: A TOML file of settings.
        settings: Any setting, by name.
    """
    chosen = settings_from(settings, config)
    name, wanted = RepositoryName.parse(repository), Digest.parse(digest)
    answer, collectable_at, elsewhere = asyncio.run(_explain(chosen, name, wanted))
    if json_output:
        entity = {**why_entity(answer, collectable_at), "elsewhere": elsewhere}
        sys.stdout.write(json.dumps(entity) + "\n")
        return
    sys.stdout.writelines(
        f"{line}\n" for line in _lines(answer, collectable_at, elsewhere)
    )


async def _explain(
    settings: Settings, name: RepositoryName, digest: Digest
) -> tuple[Answer, datetime | None, int]:
    database = open_database(settings)
    try:
        found = await database.read(lambda tx: repositories.find_by_path(tx, name))
        if found is None:
            raise RepositoryUnknownError(name=name)
        service = Why(database, SystemClock())
        answer, collectable_at = await service.explain(found.id, digest)
        elsewhere = await service.count_elsewhere(found.id, digest)
        return answer, collectable_at, elsewhere
    finally:
        await database.close()


def _lines(
    answer: Answer, collectable_at: datetime | None, elsewhere: int
) -> Iterator[str]:
    for chain in answer.chains:
        yield _chain(chain)
    if not answer.chains:
        yield "nothing keeps it"
    if not answer.complete:
        yield "and more"
    if answer.kind is Kind.BLOB and elsewhere:
        yield f"its bytes are also kept for {elsewhere} other repositories"
    if collectable_at is None:
        yield "it stays while that is so"
    else:
        yield f"it may go from {collectable_at:%F %T} UTC on"


def _chain(chain: Chain) -> str:
    return " -> ".join([_keeper(chain.keeper), *map(_link, chain.links)])


def _keeper(keeper: Keeper) -> str:
    until = "" if keeper.until is None else f" until {keeper.until:%F %T} UTC"
    name = "" if keeper.name is None else f" {keeper.name}"
    if keeper.kind is KeeperKind.HOLD:
        name = f" ({keeper.name})"
    return f"{keeper.kind}{name}{until}"


def _link(link: Link) -> str:
    return f"{link.kind} {link.digest}"
