"""Everybody who calls: roles, and every form of credentials.

Written from GitLab's documents, not from our code: that is what is tried.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

VISIBILITIES = ("private", "internal", "public")

# What else decides about a project's images: how it is changed to be like that.
STATES: dict[str, dict[str, object]] = {
    "registry private": {"container_registry_access_level": "private"},
    "registry disabled": {"container_registry_access_level": "disabled"},
    "archived": {"archived": True},
}

LEVELS = {
    "guest": 10,
    "planner": 15,
    "reporter": 20,
    "developer": 30,
    "maintainer": 40,
    "owner": 50,
}
NOBODY, REPORTER, DEVELOPER, MAINTAINER = 0, 20, 30, 40


@dataclass(frozen=True)
class Caller:
    """Somebody with credentials.

    ``level`` is their role in the project, ``group_level`` that in its group; ``form``
    is how the secret of ``holder`` is sent to the management API; ``refused`` is the
    status that answers the credentials themselves, wherever they are shown.
    """

    name: str
    holder: str = ""
    kind: str = "personal"
    scopes: frozenset[str] = frozenset({"api"})
    level: int = NOBODY
    group_level: int = NOBODY
    admin: bool = False
    external: bool = False
    form: str = "PRIVATE-TOKEN"
    refused: int = 0

    def __str__(self) -> str:
        return self.name

    @property
    def anonymous(self) -> bool:
        return self.kind == "none"

    def sees(self, visibility: str, level: int) -> bool:
        """Whether a project or group exists for them."""
        if self.admin or level > NOBODY or visibility == "public":
            return True
        return visibility == "internal" and not self.anonymous and not self.external


def _person(name: str, level: int = NOBODY) -> Caller:
    return Caller(name, name, level=level, group_level=level)


ANONYMOUS = Caller("anonymous", kind="none", scopes=frozenset())

ROLES = (
    ANONYMOUS,
    _person("stranger"),
    replace(_person("external stranger"), external=True),
    *(_person(name, level) for name, level in LEVELS.items()),
    replace(_person("administrator"), admin=True),
)
_OWNER = next(caller for caller in ROLES if caller.name == "owner")


def _of_owner(name: str, *scopes: str, form: str = "PRIVATE-TOKEN") -> Caller:
    return replace(_OWNER, name=name, holder=name, scopes=frozenset(scopes), form=form)


# Personal tokens of an owner: less than `api` in them is less than an owner.
PERSONAL_TOKENS = (
    _of_owner("read_api", "read_api"),
    _of_owner("read_registry", "read_registry"),
    _of_owner("write_registry", "write_registry"),
    _of_owner("both registry scopes", "read_registry", "write_registry"),
    _of_owner("read_user", "read_user"),
    _of_owner("self_rotate", "self_rotate"),
)
FORMS = (
    replace(_OWNER, name="Bearer", form="Bearer"),
    replace(_OWNER, name="private_token in the query", form="query"),
    replace(_OWNER, name="session", form="session"),
    replace(_person("developer", DEVELOPER), name="sudo as a developer", form="Sudo"),
)
OWNED_TOKENS = (
    Caller("project token", "project token", "project", level=MAINTAINER),
    Caller(
        "project token, read_api",
        "project token, read_api",
        "project",
        frozenset({"read_api"}),
        level=MAINTAINER,
    ),
    Caller("group token", "group token", "group", level=50, group_level=50),
    Caller("another project's token", "another project's token", "project"),
)
_JOB = Caller("", "", "job", frozenset({"job"}), form="JOB-TOKEN")
JOB_TOKENS = (
    replace(
        _JOB,
        name="job of a maintainer",
        holder="job of a maintainer",
        level=MAINTAINER,
    ),
    replace(
        _JOB, name="job of a developer", holder="job of a developer", level=DEVELOPER
    ),
    replace(
        _JOB,
        name="another project's job",
        holder="another project's job",
        external=True,
    ),
)
REFUSED = (
    replace(_OWNER, name="unknown token", holder="unknown token", refused=401),
    replace(_OWNER, name="expired token", holder="expired token", refused=401),
    replace(_OWNER, name="revoked token", holder="revoked token", refused=401),
    replace(_OWNER, name="blocked owner", holder="blocked owner", refused=403),
)
_DEPLOY = Caller("", "", "deploy", external=True)
DEPLOY_TOKENS = tuple(
    replace(_DEPLOY, name=name, holder=name, scopes=frozenset(scopes), level=level)
    for name, level, scopes in (
        ("reading deploy token", DEVELOPER, ("read_registry",)),
        ("writing deploy token", DEVELOPER, ("write_registry",)),
        ("deploy token", DEVELOPER, ("read_registry", "write_registry")),
        ("another project's deploy token", NOBODY, ("read_registry",)),
    )
)
# The management API takes none of these, or does not look at where they are sent.
OF_NO_USE = (
    replace(
        ANONYMOUS,
        name="deploy token as PRIVATE-TOKEN",
        holder="deploy token",
        kind="deploy",
        form="PRIVATE-TOKEN",
        refused=401,
    ),
    replace(
        ANONYMOUS,
        name="deploy token as Deploy-Token",
        holder="deploy token",
        form="Deploy-Token",
    ),
    replace(ANONYMOUS, name="Basic", holder="owner", form="Basic"),
    replace(
        ANONYMOUS,
        name="registry token",
        holder="owner",
        kind="registry",
        form="registry token",
        refused=401,
    ),
)

OF_THE_API = (
    *ROLES,
    *PERSONAL_TOKENS,
    *FORMS,
    *OWNED_TOKENS,
    *JOB_TOKENS,
    *REFUSED,
    *OF_NO_USE,
)
OF_THE_REGISTRY = (
    *ROLES,
    *PERSONAL_TOKENS,
    *OWNED_TOKENS,
    *JOB_TOKENS,
    *REFUSED,
    *DEPLOY_TOKENS,
)
