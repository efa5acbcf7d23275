from typing import Any

import pytest

from in_process.registry import CONFIG, Registry, codes, descriptor, image, index
from moorage.domain.digest import Digest
from moorage.domain.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST

NAME = "root/app/image"
BASE = f"/gitlab/v1/repositories/{NAME}/tags"
TAGS = ["a", "b", "c", "d", "e"]


@pytest.fixture
async def tagged(registry: Registry) -> Registry:
    await registry.push_image(NAME, "c")
    for tag in ("e", "a", "d", "b"):
        await registry.push_manifest(NAME, tag, image())
    return registry


async def page(registry: Registry, query: str) -> tuple[list[str], dict[str, str]]:
    """Return the names on a page, and where links lead from there."""
    response = await registry.send("GET", f"{BASE}/list/{query}")
    assert response.status_code == 200, response.text
    links = {}
    for link in filter(None, response.headers.get("link", "").split(", ")):
        address, _, relation = link.partition("; ")
        links[relation.split('"')[1]] = "?" + address[1:-1].partition("?")[2]
    return [tag["name"] for tag in response.json()], links


async def test_tags_are_told_of_in_full(registry: Registry) -> None:
    digest = await registry.push_image(NAME, "v1")
    (tag,) = (await registry.send("GET", f"{BASE}/list/")).json()
    created_at = tag["created_at"]
    assert created_at.endswith("Z")
    assert tag == {
        "name": "v1",
        "digest": str(digest),
        "config_digest": str(Digest.of(CONFIG)),
        "media_type": OCI_MANIFEST,
        "size_bytes": len(CONFIG) + len(b"layer") + len(image()),
        "created_at": created_at,
        "published_at": created_at,
    }


async def test_a_tag_that_was_moved_keeps_the_time_that_it_was_made(
    registry: Registry,
) -> None:
    await registry.push_image(NAME, "v1")
    (before,) = (await registry.send("GET", f"{BASE}/list/")).json()
    await registry.push_image(NAME, "v1", layers=(b"another",))
    (after,) = (await registry.send("GET", f"{BASE}/list/")).json()
    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] == after["published_at"] >= before["published_at"]


@pytest.mark.parametrize("sort", ["name", "-name", "published_at", "-published_at"])
async def test_pages_lead_forwards_and_back(tagged: Registry, sort: str) -> None:
    by_name = sort.endswith("name")
    expected = TAGS if by_name else ["c", "e", "a", "d", "b"]
    if sort.startswith("-"):
        expected = expected[::-1]
    first, links = await page(tagged, f"?n=2&sort={sort}")
    assert (first, set(links)) == (expected[:2], {"next"})
    second, links = await page(tagged, links["next"])
    assert (second, set(links)) == (expected[2:4], {"previous", "next"})
    third, last_links = await page(tagged, links["next"])
    assert (third, set(last_links)) == (expected[4:], {"previous"})
    assert await page(tagged, last_links["previous"]) == (second, links)
    assert (await page(tagged, links["previous"]))[0] == first


async def test_tags_are_found_by_a_part_of_their_names(registry: Registry) -> None:
    await registry.push_image(NAME, "v1-rc")
    for tag in ("v2", "v2-rc", "v3-rc"):
        await registry.push_manifest(NAME, tag, image())
    assert await page(registry, "?name=-rc&n=2") == (
        ["v1-rc", "v2-rc"],
        {"next": "?last=v2-rc&n=2&name=-rc"},
    )
    assert (await page(registry, "?last=v2-rc&n=2&name=-rc"))[0] == ["v3-rc"]
    assert (await page(registry, "?name=v.*"))[0] == []


async def test_one_name_is_looked_up_whatever_the_page(tagged: Registry) -> None:
    assert await page(tagged, "?name_exact=b&n=1&last=d") == (["b"], {})
    assert await page(tagged, "?name_exact=nothing") == ([], {})


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("n=0", "INVALID_QUERY_PARAMETER_VALUE"),
        ("n=1001", "INVALID_QUERY_PARAMETER_VALUE"),
        ("n=-1", "INVALID_QUERY_PARAMETER_VALUE"),
        ("n=x", "INVALID_QUERY_PARAMETER_TYPE"),
        ("sort=size", "INVALID_QUERY_PARAMETER_VALUE"),
        ("last=a&before=b", "INVALID_QUERY_PARAMETER_VALUE"),
        ("sort=published_at&last=a", "INVALID_QUERY_PARAMETER_VALUE"),
        ("sort=published_at&last=MjAyNA==", "INVALID_QUERY_PARAMETER_VALUE"),
        ("referrers=perhaps", "INVALID_QUERY_PARAMETER_VALUE"),
    ],
)
async def test_parameters_that_mean_nothing_are_refused(
    registry: Registry, query: str, code: str
) -> None:
    response = await registry.send("GET", f"{BASE}/list/?{query}")
    assert response.status_code == 400
    assert codes(response) == [code]


async def test_referrers_are_listed_with_their_subjects(registry: Registry) -> None:
    await registry.push_image(NAME, "v1")
    subject = descriptor(image(), OCI_MANIFEST)
    kinds = ("application/signature", "application/sbom")
    made = {}
    for kind in kinds:
        body = image(subject=subject, artifactType=kind)
        made[kind] = str(Digest.of(body))
        await registry.push_manifest(NAME, made[kind], body)
    (tag,) = (await registry.send("GET", f"{BASE}/list/?referrers=true")).json()
    shown = {one["artifactType"]: one["digest"] for one in tag["referrers"]}
    assert shown == made
    query = f"?referrers=true&referrer_type={kinds[0]}"
    (tag,) = (await registry.send("GET", f"{BASE}/list/{query}")).json()
    assert [one["digest"] for one in tag["referrers"]] == [made[kinds[0]]]


async def test_detail_of_an_image(registry: Registry) -> None:
    digest = await registry.push_image(NAME, "v1")
    response = await registry.send("GET", f"{BASE}/detail/v1/")
    assert response.status_code == 200
    body = response.json()
    times = {name: body.pop(name) for name in ("created_at", "published_at")}
    assert all(time.endswith("Z") for time in times.values())
    assert body == {"repository": NAME, "name": "v1", "image": shown(image(), digest)}


def shown(manifest: bytes, digest: Digest) -> dict[str, Any]:
    return {
        "size_bytes": len(CONFIG) + len(b"layer") + len(manifest),
        "manifest": {"digest": str(digest), "media_type": OCI_MANIFEST},
        "config": {
            "digest": str(Digest.of(CONFIG)),
            "media_type": OCI_CONFIG,
            "platform": {"architecture": "amd64", "os": "linux"},
        },
    }


async def test_detail_of_an_index_has_its_images(registry: Registry) -> None:
    child = await registry.push_image(NAME, "child")
    body = index(image())
    await registry.push_manifest(NAME, "v1", body, OCI_INDEX)
    found = (await registry.send("GET", f"{BASE}/detail/v1/")).json()["image"]
    assert found == {
        "size_bytes": len(b"layer") + len(body),
        "manifest": {
            "digest": str(Digest.of(body)),
            "media_type": OCI_INDEX,
            "references": [shown(image(), child)],
        },
    }


async def test_a_tag_that_is_not_there(tagged: Registry) -> None:
    response = await tagged.send("GET", f"{BASE}/detail/nothing/")
    assert response.status_code == 404
