from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

import moorage.http.gitlab_v4.app  # noqa: F401 (brings in every subclass)
from moorage.domain import errors
from moorage.domain.projects import GroupInvalidError
from moorage.http.gitlab_v4.errors import render


def subclasses(cls: type[errors.RegistryError]) -> Iterator[type[errors.RegistryError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from subclasses(child)


@pytest.mark.parametrize("cls", sorted(set(subclasses(errors.RegistryError)), key=str))
def test_every_error_is_rendered(cls: type[errors.RegistryError]) -> None:
    response = render(cls())
    assert 400 <= response.status_code < 600
    body = json.loads(bytes(response.body))
    assert len({"message", "error"} & set(body)) == 1


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (errors.ParameterError("a is missing"), 400, {"error": "a is missing"}),
        (errors.InvalidError(), 400, {"message": "400 Bad request"}),
        (errors.InvalidError("why"), 400, {"message": "400 Bad request - why"}),
        (
            errors.ValidationError(name=["can't be blank"]),
            400,
            {"message": {"name": ["can't be blank"]}},
        ),
        (
            GroupInvalidError(path=["has already been taken"]),
            400,
            {"message": 'Failed to save group {:path=>["has already been taken"]}'},
        ),
        (errors.UnauthenticatedError(), 401, {"message": "401 Unauthorized"}),
        (errors.ForbiddenError(), 403, {"message": "403 Forbidden"}),
        (errors.ForbiddenError("why"), 403, {"message": "403 Forbidden - why"}),
        (errors.NotFoundError(), 404, {"message": "404 Not found"}),
        (errors.RepositoryUnknownError(), 404, {"message": "404 Not found"}),
        (errors.TagUnknownError(), 404, {"message": "404 Tag Not Found"}),
        (errors.ProjectUnknownError(), 404, {"message": "404 Project Not Found"}),
        (errors.GroupUnknownError(), 404, {"message": "404 Group Not Found"}),
        (errors.NamespaceUnknownError(), 404, {"message": "404 Namespace Not Found"}),
        (errors.UserUnknownError(), 404, {"message": "404 User Not Found"}),
        (errors.UnsupportedError(), 405, {"message": "405 Method Not Allowed"}),
        (errors.ConflictError(), 409, {"message": "409 Conflict"}),
        (errors.ConflictError("taken"), 409, {"message": "taken"}),
        (
            errors.CleanupTooSoonError(),
            400,
            {
                "message": "This request has already been made. You can run this at "
                "most once an hour for a given container repository"
            },
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_clients_match_on_the_words(
    error: errors.RegistryError, status: int, body: object
) -> None:
    response = render(error)
    assert response.status_code == status
    assert json.loads(bytes(response.body)) == body
