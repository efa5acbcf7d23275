from in_process.registry import ROOT_TOKEN, Registry

PATH = "/gitlab/v1/statistics/"


async def test_an_administrator_reads_which_release_it_is(registry: Registry) -> None:
    response = await registry.send("GET", PATH)
    assert response.status_code == 200
    assert response.json() == {
        "release": {"ext_features": "tag_delete", "version": "v4.32.0-gitlab"},
        "database": {"enabled": True},
        "import": [],
    }


async def test_others_are_told_what_they_lack(registry: Registry) -> None:
    refused = await registry.send("GET", PATH, auth=None)
    assert refused.status_code == 401
    scope = 'scope="registry:statistics:*"'
    assert refused.headers["www-authenticate"].endswith(scope)
    for scope, status in (("catalog", 401), ("statistics", 200)):
        token = await registry.token(f"registry:{scope}:*", ("root", ROOT_TOKEN))
        headers = {"Authorization": f"Bearer {token}"}
        response = await registry.send("GET", PATH, headers=headers, auth=None)
        assert response.status_code == status
