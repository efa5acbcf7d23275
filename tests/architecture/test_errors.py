"""Every failure has a form in every protocol."""

from collections.abc import Iterator

import pytest

import moorage.wiring  # noqa: F401 (loads every module that declares an error)
from moorage.domain.errors import ManifestReferencesUnknownError, RegistryError
from moorage.http.gitlab_v1 import errors as gitlab_v1
from moorage.http.gitlab_v4 import errors as gitlab_v4
from moorage.http.registry_v2 import errors as registry_v2
from moorage.http.token_auth import errors as token_auth


def all_errors(root: type[RegistryError] = RegistryError) -> Iterator[RegistryError]:
    detail = {"digests": ["sha256:x"]} if root is ManifestReferencesUnknownError else {}
    yield root(**detail)
    for child in root.__subclasses__():
        yield from all_errors(child)


@pytest.mark.parametrize(
    "error", list(all_errors()), ids=lambda error: type(error).__name__
)
def test_every_error_is_rendered_by_every_front_end(error: RegistryError) -> None:
    for render in (registry_v2.render, token_auth.render, gitlab_v1.render):
        response = render(error)
        assert 400 <= response.status < 600
        assert response.body
    answer = gitlab_v4.render(error)
    assert 400 <= answer.status_code < 600
    assert answer.body
