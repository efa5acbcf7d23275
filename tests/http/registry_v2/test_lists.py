import json

import pytest

from in_process.registry import CONFIG, Registry, codes, descriptor, image, index
from moorage.domain.digest import Digest
from moorage.domain.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST

NAME = "root/app/image"
TAGS = ["1.10", "1.9", "A", "B", "a", "latest"]


@pytest.fixture
async def tagged(registry: Registry) -> Registry:
    await registry.push_image(NAME, "latest")
    for tag in TAGS:
        await registry.push_manifest(NAME, tag, image())
    return registry


async def tags(registry: Registry, query: str = "") -> tuple[list[str], str | None]:
    response = await registry.send("GET", f"/v2/{NAME}/tags/list{query}")
    assert response.status_code == 200, response.text
    assert response.json()["name"] == NAME
    return response.json()["tags"], response.headers.get("Link")


async def test_tags_come_in_byte_order(tagged: Registry) -> None:
    assert await tags(tagged) == (TAGS, None)


async def test_pages_follow_one_another(tagged: Registry) -> None:
    found, link = await tags(tagged, "?n=4")
    assert found == TAGS[:4]
    assert link == f'</v2/{NAME}/tags/list?last=B&n=4>; rel="next"'
    assert await tags(tagged, "?last=B&n=4") == (TAGS[4:], None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?n=0", []),
        ("?n=6", TAGS),
        ("?n=", TAGS),
        ("?last=", TAGS),
        ("?last=AA", TAGS[3:]),
        ("?last=zzz", []),
        ("?last=latest&n=3", []),
        ("?n=99999999999999999999", TAGS),
    ],
)
async def test_markers_need_not_exist(
    tagged: Registry, query: str, expected: list[str]
) -> None:
    assert await tags(tagged, query) == (expected, None)


@pytest.mark.parametrize("n", ["-1", "x", "1.5", "%C2%B2"])
async def test_a_page_size_that_is_none(tagged: Registry, n: str) -> None:
    response = await tagged.send("GET", f"/v2/{NAME}/tags/list?n={n}")
    assert response.status_code == 400
    assert codes(response) == ["PAGINATION_NUMBER_INVALID"]


async def test_a_repository_without_tags_and_one_that_is_not(
    registry: Registry,
) -> None:
    await registry.push_blob(NAME, b"x")
    assert await tags(registry) == ([], None)
    response = await registry.send("GET", "/v2/root/app/none/tags/list")
    assert response.status_code == 404
    assert codes(response) == ["NAME_UNKNOWN"]


async def test_the_catalog_lists_repositories(registry: Registry) -> None:
    for name in ("root/b/x", "root/a", "root/a/y"):
        await registry.push_blob(name, b"x")
    response = await registry.send("GET", "/v2/_catalog?n=2")
    assert response.json() == {"repositories": ["root/a", "root/a/y"]}
    expected = '</v2/_catalog?last=root%2Fa%2Fy&n=2>; rel="next"'
    assert response.headers["Link"] == expected
    response = await registry.send("GET", "/v2/_catalog?n=2&last=root/a/y")
    assert response.json() == {"repositories": ["root/b/x"]}
    assert "Link" not in response.headers


async def referrers(
    registry: Registry, digest: Digest, query: str = ""
) -> list[dict[str, object]]:
    response = await registry.send("GET", f"/v2/{NAME}/referrers/{digest}{query}")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == OCI_INDEX
    assert response.json()["mediaType"] == OCI_INDEX
    assert ("OCI-Filters-Applied" in response.headers) == ("artifactType" in query)
    found: list[dict[str, object]] = response.json()["manifests"]
    return found


async def test_nothing_refers_to_what_nobody_knows(registry: Registry) -> None:
    assert await referrers(registry, Digest.of(b"nothing")) == []
    response = await registry.send("GET", f"/v2/{NAME}/referrers/sha256:no")
    assert response.status_code == 400


async def test_referrers_are_listed_with_type_and_annotations(
    registry: Registry,
) -> None:
    digest = await registry.push_image(NAME)
    subject = descriptor(image(), OCI_MANIFEST)
    signature = image(artifactType="sig/a", annotations={"k": "v"}, subject=subject)
    plain = image(subject=subject)
    listing = index(image(), subject=subject)
    for body, media_type in (
        (signature, OCI_MANIFEST),
        (plain, OCI_MANIFEST),
        (listing, OCI_INDEX),
    ):
        response = await registry.push_manifest(
            NAME, str(Digest.of(body)), body, media_type
        )
        assert response.status_code == 201
        assert response.headers["OCI-Subject"] == str(digest)
    expected = [
        descriptor(
            signature, OCI_MANIFEST, artifactType="sig/a", annotations={"k": "v"}
        ),
        descriptor(plain, OCI_MANIFEST, artifactType=OCI_CONFIG),
        descriptor(listing, OCI_INDEX),
    ]
    found = await referrers(registry, digest)
    assert sorted(found, key=json.dumps) == sorted(expected, key=json.dumps)
    only = await referrers(registry, digest, "?artifactType=sig%2Fa")
    assert only == expected[:1]
    assert await referrers(registry, digest, "?artifactType=none") == []
    path = f"/v2/{NAME}/manifests/{Digest.of(signature)}"
    await registry.send("DELETE", path)
    assert len(await referrers(registry, digest)) == 2


async def test_a_subject_may_arrive_later(registry: Registry) -> None:
    await registry.push_blob(NAME, CONFIG)
    await registry.push_blob(NAME, b"layer")
    body = image(subject=descriptor(image((b"later",)), OCI_MANIFEST))
    assert (await registry.push_manifest(NAME, "sig", body)).status_code == 201
    assert len(await referrers(registry, Digest.of(image((b"later",))))) == 1


@pytest.mark.parametrize("path", [f"/v2/{NAME}/tags/list", "/v2/_catalog"])
async def test_a_marker_that_no_name_can_be(registry: Registry, path: str) -> None:
    await registry.push_blob(NAME, b"x")
    response = await registry.send("GET", f"{path}?last=%00")
    assert response.status_code == 400


async def test_long_lists_of_referrers_are_chained_and_keep_the_filter(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moorage.http.registry_v2.lists.MAX_REFERRERS", 2)
    digest = await registry.push_image(NAME)
    pushed = set()
    for number in range(5):
        body = image(
            artifactType="sig/a",
            annotations={"n": str(number)},
            subject=descriptor(image(), OCI_MANIFEST),
        )
        await registry.push_manifest(NAME, str(Digest.of(body)), body)
        pushed.add(str(Digest.of(body)))
    path, found = f"/v2/{NAME}/referrers/{digest}?artifactType=sig%2Fa", []
    while path:
        response = await registry.send("GET", path)
        assert response.headers["OCI-Filters-Applied"] == "artifactType"
        page = [item["digest"] for item in response.json()["manifests"]]
        assert len(page) <= 2
        found += page
        path = ""
        if "Link" in response.headers:
            link = response.headers["Link"]
            assert link.endswith('; rel="next"')
            path = link.partition("<")[2].partition(">")[0]
            assert "artifactType=sig%2Fa" in path
    assert sorted(found) == sorted(pushed)


async def test_an_index_that_a_client_keeps_as_fallback_is_an_ordinary_tag(
    registry: Registry,
) -> None:
    digest = await registry.push_image(NAME)
    signature = image(artifactType="sig/a", subject=descriptor(image(), OCI_MANIFEST))
    reference = str(Digest.of(signature))
    await registry.push_manifest(NAME, reference, signature)
    tag = str(digest).replace(":", "-")
    body = index(signature)
    response = await registry.push_manifest(NAME, tag, body, OCI_INDEX)
    assert response.status_code == 201
    response = await registry.send("GET", f"/v2/{NAME}/manifests/{tag}")
    assert response.content == body
    found = await referrers(registry, digest)
    expected = descriptor(signature, OCI_MANIFEST, artifactType="sig/a")
    assert found == [expected]


async def test_referrers_of_a_repository_that_is_not_are_none(
    registry: Registry,
) -> None:
    digest = Digest.of(b"x")
    response = await registry.send("GET", f"/v2/root/app/none/referrers/{digest}")
    assert response.status_code == 200
    assert response.json()["manifests"] == []


async def test_an_empty_artifact_type_is_none(registry: Registry) -> None:
    digest = await registry.push_image(NAME)
    subject = descriptor(image(), OCI_MANIFEST)
    plain = image(artifactType="", subject=subject)
    listing = index(artifactType="", subject=subject)
    for body, media_type in ((plain, OCI_MANIFEST), (listing, OCI_INDEX)):
        reference = str(Digest.of(body))
        await registry.push_manifest(NAME, reference, body, media_type)
    found = {item["mediaType"]: item for item in await referrers(registry, digest)}
    assert found[OCI_MANIFEST]["artifactType"] == OCI_CONFIG
    assert "artifactType" not in found[OCI_INDEX]
