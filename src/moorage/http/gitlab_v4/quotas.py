"""The quota among the parameters of a project or group."""

from __future__ import annotations

from moorage.domain.errors import ParameterError
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.parameters import UNSET, UnsetType


def read_quota(call: Call, given: int | UnsetType | None) -> int | UnsetType | None:
    """Return the quota that an administrator gave; empty is none.

    Raises:
        ForbiddenError: Somebody else gave it.
        ParameterError: It is negative.
    """
    if isinstance(given, UnsetType):
        return UNSET
    call.administer()
    if given is not None and given < 0:
        raise ParameterError("registry_quota_bytes does not have a valid value")
    return given
