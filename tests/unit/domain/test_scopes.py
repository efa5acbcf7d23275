import pytest

from moorage.domain.scopes import Grants, Scope, parse_scopes


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            ["repository:g/p/a:pull,push"],
            [Scope("repository", "g/p/a", ("pull", "push"))],
        ),
        (
            ["repository:a:pull repository:b:*", "registry:catalog:*"],
            [
                Scope("repository", "a", ("pull",)),
                Scope("repository", "b", ("*",)),
                Scope("registry", "catalog", ("*",)),
            ],
        ),
        (
            ["repository:host:5000/a:pull"],
            [Scope("repository", "host:5000/a", ("pull",))],
        ),
        (["repository(plugin):a:pull"], [Scope("repository", "a", ("pull",))]),
        (["repository:a:pull,pull,"], [Scope("repository", "a", ("pull",))]),
        (["", "repository", "repository:a", "::", "a::b"], []),
    ],
)
def test_the_scope_grammar(values: list[str], expected: list[Scope]) -> None:
    assert parse_scopes(values) == expected


def test_everything_includes_each_action() -> None:
    grants = Grants({"a": ("*",), "b": ("pull",)})
    assert grants.allows("a", ["pull", "push", "delete"])
    assert grants.allows("b", ["pull"])
    assert not grants.allows("b", ["pull", "push"])
    assert not grants.allows("c", ["pull"])
