"""``moorage plan``."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from moorage.cli.operator import Operator, operator
from moorage.domain.errors import InvalidError
from moorage.domain.plans import PlanItem, Verdict
from moorage.domain.rules import RuleSet
from moorage.http.gitlab_v4.plans import item_entity, plan_entity
from moorage.http.gitlab_v4.rules import RuleParameters, given_rules, read_rules
from moorage.services.plans import Basis, Excerpt, PlanPage
from moorage.services.policies import Draft

ALL_ITEMS = 1 << 31


def plan(  # noqa: PLR0913 (each is an option of the command)
    repository: str,
    *,
    name_regex_delete: str | None = None,
    name_regex_keep: str | None = None,
    keep_n: int | None = None,
    older_than: str | None = None,
    rules: Path | None = None,
    policy: int | None = None,
    kept: bool = False,
    acting_as: str = "root",
    json_output: Annotated[bool, Parameter(name="--json")] = False,
    config: Path | None = None,
    **settings: str,
) -> None:
    """Show what a bulk delete would do, and keep the plan for ``moorage apply``.

    Args:
        repository: The repository's full name, as in ``group/project/image``.
        name_regex_delete: Names to delete.
        name_regex_keep: Names to keep, whatever the first says.
        keep_n: How many of the newest matching tags to keep.
        older_than: Delete only tags older than this: ``7d``, ``1 month``.
        rules: A file with a document of the rule language, in place of the above.
        policy: The number of a policy: what its run would do, by ``rules`` if given.
        kept: List the tags that stay, too.
        acting_as: The user whose rights count, and who history says did it.
        json_output: Print what the API answers, with all items.
        config: A TOML file of settings.
        settings: Any setting, by name.
    """
    wanted = RuleParameters(
        **_given(
            name_regex_delete=name_regex_delete,
            name_regex_keep=name_regex_keep,
            keep_n=keep_n,
            older_than=older_than,
        )
    )
    chosen, parameters = _read(wanted, rules, policy)

    async def body() -> PlanPage:
        async with operator(acting_as, settings, config) as somebody:
            return await _plan(somebody, repository, chosen, parameters)

    page = asyncio.run(body())
    if json_output:
        items = [item_entity(item) for item in page.items]
        sys.stdout.write(json.dumps({**plan_entity(page.plan), "items": items}) + "\n")
        return
    sys.stdout.writelines(f"{line}\n" for line in _lines(page, kept=kept))


def _given(**options: str | int | None) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _read(
    wanted: RuleParameters, file: Path | None, policy_id: int | None
) -> tuple[Basis, dict[str, Any]]:
    parameters = given_rules(wanted)
    if file is None and policy_id is None:
        if not parameters.get("name_regex_delete"):
            raise InvalidError(
                "say what to delete: --name-regex-delete, --rules or --policy"
            )
        return read_rules(wanted), parameters
    if parameters:
        raise InvalidError("--rules and --policy take the place of all other rules")
    given: dict[str, Any] = {} if policy_id is None else {"policy_id": policy_id}
    if file is None:
        return Draft(None, policy_id), given
    document = _document(file)
    return Draft(RuleSet.parse(document), policy_id), {"rules": document, **given}


def _document(file: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise InvalidError(f"{file} cannot be read as JSON: {error}") from error


async def _plan(
    somebody: Operator, path: str, basis: Basis, parameters: Mapping[str, Any]
) -> PlanPage:
    repository = await somebody.repository(path)
    service = somebody.services.plans
    made = await service.create(repository, basis, parameters, somebody.principal)
    return await service.get(
        repository.id, made.id or 0, Excerpt(None, 0, limit=ALL_ITEMS)
    )


def _lines(page: PlanPage, *, kept: bool) -> Iterator[str]:
    for warning in page.plan.warnings:
        yield f"warning: {warning}"
    for item in page.items:
        if kept or item.verdict is Verdict.DELETE:
            yield _line(item)
    summary = page.plan.summary
    yield (
        f"plan {page.plan.id}: {summary.delete} of {summary.total} tags go, "
        f"{summary.freed_bytes} bytes come free"
    )


def _line(item: PlanItem) -> str:
    return (
        f"{item.verdict}  {item.created_at:%F %T}  {item.total_bytes:>13}  "
        f"{item.name}  ({item.reason})"
    )
