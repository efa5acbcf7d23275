"""Who may do what: every cell of the role and visibility table, over real HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from live.estate import DEVELOPER, GUEST, MAINTAINER, OWNER, REPORTER, Person
from live.images import an_image
from live.registry import UnexpectedAnswerError, expect

if TYPE_CHECKING:
    import httpx
    from gitlab.v4.objects import Project

    from live.estate import Estate

pytestmark = pytest.mark.clients

VISIBILITIES = ("private", "internal", "public")
LEVELS = {
    "guest": GUEST,
    "reporter": REPORTER,
    "developer": DEVELOPER,
    "maintainer": MAINTAINER,
    "owner": OWNER,
}

# Columns as in VISIBILITIES. Source: GitLab 18 docs, "Permissions and roles", and
# what GitLab's server answers where its documents are silent.
READ = {
    "anonymous": (404, 404, 200),
    "stranger": (404, 200, 200),
    "guest": (403, 200, 200),
    "reporter": (200, 200, 200),
    "developer": (200, 200, 200),
    "maintainer": (200, 200, 200),
    "owner": (200, 200, 200),
    "administrator": (200, 200, 200),
    "unknown token": (401, 401, 401),
}
DELETE_TAG = {
    "anonymous": (404, 404, 403),
    "stranger": (404, 403, 403),
    "guest": (403, 403, 403),
    "reporter": (403, 403, 403),
    "developer": (200, 200, 200),
    "maintainer": (200, 200, 200),
    "owner": (200, 200, 200),
    "administrator": (200, 200, 200),
    "unknown token": (401, 401, 401),
}
ADMINISTER = {
    "anonymous": (404, 404, 403),
    "stranger": (404, 403, 403),
    "guest": (403, 403, 403),
    "reporter": (403, 403, 403),
    "developer": (403, 403, 403),
    "maintainer": (202, 202, 202),
    "owner": (202, 202, 202),
    "administrator": (202, 202, 202),
    "unknown token": (401, 401, 401),
}
PULL = {
    "anonymous": (False, False, True),
    "stranger": (False, True, True),
    "guest": (False, True, True),
    "reporter": (True, True, True),
    "developer": (True, True, True),
    "maintainer": (True, True, True),
    "owner": (True, True, True),
    "administrator": (True, True, True),
}
MAY_PUSH = ("developer", "maintainer", "owner", "administrator")
MAY_DELETE = ("maintainer", "owner", "administrator")

REFUSALS = {
    401: {"message": "401 Unauthorized"},
    403: {"message": "403 Forbidden"},
    404: {"message": "404 Project Not Found"},
}


@dataclass(frozen=True, slots=True)
class Operation:
    """A call below a repository, and the table that says what comes back."""

    name: str
    method: str
    path: str
    answers: dict[str, tuple[int, int, int]]
    form: dict[str, str] | None = None

    @property
    def destroys(self) -> bool:
        return self.method == "DELETE"


OPERATIONS = [
    Operation("list repositories", "GET", "", READ),
    Operation("list tags", "GET", "/{id}/tags", READ),
    Operation("tag detail", "GET", "/{id}/tags/v1", READ),
    Operation("delete tag", "DELETE", "/{id}/tags/v1", DELETE_TAG),
    Operation(
        *("bulk delete", "DELETE", "/{id}/tags", ADMINISTER),
        {"name_regex_delete": ".*"},
    ),
    Operation("delete repository", "DELETE", "/{id}", ADMINISTER),
]
CELLS = [
    pytest.param(caller, visibility, operation, expected)
    for operation in OPERATIONS
    for caller, row in operation.answers.items()
    for visibility, expected in zip(VISIBILITIES, row, strict=True)
]
CELL_IDS = [
    f"{operation.name}-{caller}-{visibility}"
    for operation in OPERATIONS
    for caller in operation.answers
    for visibility in VISIBILITIES
]


class Stage:
    """One project per visibility, and all callers with their role in it."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.projects = {one: estate.project(visibility=one) for one in VISIBILITIES}
        self._people = {
            visibility: self._callers(project)
            for visibility, project in self.projects.items()
        }
        self._shared = {one: self.new_repository(one) for one in VISIBILITIES}

    def caller(self, name: str, visibility: str) -> Person | None:
        return self._people[visibility][name]

    def path(self, visibility: str, name: str) -> str:
        return f"{self.projects[visibility].path_with_namespace}/{name}"

    def new_repository(self, visibility: str) -> tuple[str, int]:
        """Push an image to a new repository; return its path and number."""
        path = self.path(visibility, self.estate.new_name("app"))
        with self.estate.registry(self.estate.admin) as registry:
            registry.push(path, "v1", an_image())
        return path, self.estate.repository_id(self.projects[visibility], path)

    def shared_repository(self, visibility: str) -> tuple[str, int]:
        """Give a repository that nothing may change."""
        return self._shared[visibility]

    def call(
        self, caller: str, visibility: str, operation: Operation, number: int
    ) -> httpx.Response:
        base = f"/projects/{self.projects[visibility].id}/registry/repositories"
        return self.estate.call(
            self.caller(caller, visibility),
            operation.method,
            base + operation.path.format(id=number),
            data=operation.form,
        )

    def _callers(self, project: Project) -> dict[str, Person | None]:
        members = {
            name: self.estate.person(project, level) for name, level in LEVELS.items()
        }
        return {
            "anonymous": None,
            "stranger": self.estate.person(),
            "administrator": self.estate.admin,
            "unknown token": Person(0, "nobody", "glpat-unknown"),
            **members,
        }


@pytest.fixture(scope="module")
def stage(estate: Estate) -> Stage:
    return Stage(estate)


@pytest.mark.parametrize(
    ("caller", "visibility", "operation", "expected"), CELLS, ids=CELL_IDS
)
def test_the_management_api_answers_as_the_table_says(
    stage: Stage, caller: str, visibility: str, operation: Operation, expected: int
) -> None:
    allowed = expected in (200, 202)
    path, number = (
        stage.new_repository(visibility)
        if allowed and operation.destroys
        else stage.shared_repository(visibility)
    )
    answer = stage.call(caller, visibility, operation, number)
    assert answer.status_code == expected, answer.text
    if not allowed:
        assert answer.json() == REFUSALS[expected]
        with stage.estate.registry(stage.estate.admin) as registry:
            assert registry.pull(path, "v1") == an_image().digest
    elif operation.destroys:
        assert answer.json() == expected


def refusal(caller: str, visibility: str) -> int:
    """Give the status that ends a refused push, pull or delete.

    Nobody's token with nothing in it is refused where it is made; all others meet
    the registry's 401.
    """
    return 403 if caller == "anonymous" and visibility != "public" else 401


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("caller", PULL)
def test_pull_is_allowed_as_the_table_says(
    stage: Stage, caller: str, visibility: str
) -> None:
    path, _ = stage.shared_repository(visibility)
    allowed = PULL[caller][VISIBILITIES.index(visibility)]
    with stage.estate.registry(stage.caller(caller, visibility)) as registry:
        if allowed:
            assert registry.pull(path, "v1") == an_image().digest
        else:
            with pytest.raises(UnexpectedAnswerError) as refused:
                registry.pull(path, "v1")
            assert refused.value.status == refusal(caller, visibility)


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("caller", PULL)
def test_push_is_allowed_as_the_table_says(
    stage: Stage, caller: str, visibility: str
) -> None:
    path = stage.path(visibility, stage.estate.new_name("pushed"))
    with stage.estate.registry(stage.caller(caller, visibility)) as registry:
        if caller in MAY_PUSH:
            registry.push(path, "v1", an_image())
            return
        with pytest.raises(UnexpectedAnswerError) as refused:
            registry.push(path, "v1", an_image())
    assert refused.value.status == refusal(caller, visibility)
    with stage.estate.registry(stage.estate.admin) as registry:
        assert registry.tags(path) == []


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("caller", PULL)
def test_delete_by_the_protocol_is_allowed_as_the_table_says(
    stage: Stage, caller: str, visibility: str
) -> None:
    allowed = caller in MAY_DELETE
    path, _ = (
        stage.new_repository(visibility)
        if allowed
        else stage.shared_repository(visibility)
    )
    with stage.estate.registry(stage.caller(caller, visibility)) as registry:
        if allowed:
            assert registry.delete(path, "manifests", "v1").status_code == 202
        else:
            with pytest.raises(UnexpectedAnswerError) as refused:
                expect(registry.delete(path, "manifests", "v1"), 202)
            assert refused.value.status == refusal(caller, visibility)
    with stage.estate.registry(stage.estate.admin) as registry:
        assert registry.tags(path) == ([] if allowed else ["v1"])


def test_a_wrong_password_gets_no_token(stage: Stage) -> None:
    path, _ = stage.shared_repository("public")
    with (
        stage.estate.server.registry("root", "wrong") as registry,
        pytest.raises(UnexpectedAnswerError) as refused,
    ):
        registry.pull(path, "v1")
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        *(("anonymous", 404), ("stranger", 404), ("guest", 403)),
        *(("reporter", 200), ("owner", 200), ("administrator", 200)),
        ("unknown token", 401),
    ],
)
def test_the_list_of_a_private_group_answers_as_the_table_says(
    stage: Stage, caller: str, expected: int
) -> None:
    group = stage.estate.group(visibility="private")
    person = stage.caller(caller, "private")
    if person is not None and caller in LEVELS:
        group.members.create(
            {"user_id": person.user_id, "access_level": LEVELS[caller]}
        )
    answer = stage.estate.call(
        person, "GET", f"/groups/{group.id}/registry/repositories"
    )
    assert answer.status_code == expected
    if expected == 404:
        assert answer.json() == {"message": "404 Group Not Found"}
