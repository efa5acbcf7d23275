"""Whether somebody who asked for a job may still have it done."""

from __future__ import annotations

from datetime import datetime

from moorage.domain.access import Ability, CredentialKind, Principal, may
from moorage.domain.accounts import Account
from moorage.ports.database import Tx
from moorage.services.identity import access_to
from moorage.store import accounts, members, projects


def may_administer(
    tx: Tx, project_id: int, account_id: int | None, now: datetime
) -> bool:
    """Whether an account may, as of now, administer the images of a project."""
    account = accounts.find(tx, account_id or 0)
    project = projects.find(tx, project_id)
    if account is None or account.blocked or project is None:
        return False
    level = members.project_level(tx, project, account.id, now)
    access = access_to(project, level)
    return may(principal_of(account), Ability.ADMIN_IMAGE, access)


def principal_of(account: Account) -> Principal:
    """Stand for an account with all its rights."""
    return Principal(
        account_id=account.id,
        username=account.username,
        admin=account.admin,
        external=account.external,
        kind=CredentialKind.PASSWORD,
    )
