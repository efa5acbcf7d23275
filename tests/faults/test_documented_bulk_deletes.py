"""The bulk deletes that GitLab's documentation shows, on ten thousand tags.

Source: GitLab 12.5 docs, "Delete registry repository tags in bulk", examples 1 to 3.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from live.estate import Estate
from live.images import a_layer, an_image
from live.server import MoorageServer
from live.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TAGS = 10_000
IMAGES = 250
CLIENTS = 4
TOGETHER = 10
"""Tags that a manifest is pushed under at once."""

EXAMPLES = [
    {"name_regex": "[0-9a-z]{40}", "keep_n": "5", "older_than": "2d"},
    {"name_regex": ".*", "keep_n": "5"},
    {"name_regex": ".*", "older_than": "1month"},
]


class Stock:
    """A repository of images whose ages are between an hour and two months."""

    def __init__(self, server: MoorageServer) -> None:
        self.estate = Estate(server)
        project = self.estate.project()
        self.image = f"{project.path_with_namespace}/app"
        self.names = ["latest", *(_name(number) for number in range(1, TAGS))]
        self._push(datetime.now(UTC))
        number = self.estate.repository_id(project, self.image)
        self.path = f"/projects/{project.id}/registry/repositories/{number}"

    def _push(self, now: datetime) -> None:
        base = a_layer("the base of all")
        images = [
            an_image(
                f"build {at}",
                layers=[base, a_layer(f"build {at}")],
                created=now - timedelta(hours=1 + 7 * at * 200 // IMAGES),
            )
            for at in range(IMAGES)
        ]

        def client(number: int) -> None:
            with self.estate.registry(self.estate.admin) as registry:
                for at in range(number, IMAGES, CLIENTS):
                    image = images[at]
                    registry.push(self.image, self.names[at], image)
                    others = self.names[at + IMAGES :: IMAGES]
                    for start in range(0, len(others), TOGETHER):
                        tags = "&tag=".join(others[start : start + TOGETHER])
                        registry.put_manifest(
                            *(self.image, f"{image.digest}?tag={tags}"),
                            *(image.manifest, image.media_type),
                        )

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(client, range(CLIENTS)))

    def call(self, method: str, path: str, **request: Any) -> Any:
        """Call the API as the administrator; return the answer's document."""
        answer = self.estate.call(self.estate.admin, method, path, **request)
        assert answer.is_success, answer.text
        return answer.json()

    def planned(self, rules: Mapping[str, str]) -> set[str]:
        """Make a plan; return the names that it deletes."""
        plan = self.call("POST", f"{self.path}/plans", data=rules)
        names: set[str] = set()
        for page in range(1, -(-plan["summary"]["delete"] // 100) + 1):
            shown = {"decision": "delete", "per_page": "100", "page": str(page)}
            found = self.call("GET", f"{self.path}/plans/{plan['id']}", params=shown)
            names |= {item["name"] for item in found["items"]}
        return names

    def done(self, job: Mapping[str, Any]) -> Mapping[str, Any]:
        """Wait for a job, and return what came of it."""
        path = f"/registry/jobs/{job['id']}"
        eventually(lambda: str(self.call("GET", path)["state"]), "succeeded")
        result: Mapping[str, Any] = self.call("GET", path)["result"]
        return result

    def tags(self) -> set[str]:
        with self.estate.registry(self.estate.admin) as registry:
            return set(registry.tags(self.image))


def _name(number: int) -> str:
    """Alternate between what a commit and what a release is called."""
    return f"{number:040x}" if number % 2 else f"v1.{number}"


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    folder: Path = tmp_path_factory.mktemp("many")
    server = MoorageServer(folder, settings={"MOORAGE_CLEANUP_INTERVAL": "0"})
    server.start()
    try:
        made = Stock(server)
        yield made
        made.estate.close()
    finally:
        server.stop()


def test_preview_and_result_of_the_documented_examples_are_equal(stock: Stock) -> None:
    everything = set(stock.names)
    for rules in EXAMPLES:
        assert stock.tags() == everything
        going = stock.planned(rules)
        shown = {**rules, "dry_run": "true", "per_page": "1"}
        preview = stock.call("DELETE", f"{stock.path}/tags", params=shown)
        assert preview["summary"]["delete"] == len(going) > TAGS // 8
        answer = stock.estate.call(
            stock.estate.admin, "DELETE", f"{stock.path}/tags", params=rules
        )
        assert answer.status_code == 202
        job = {"id": int(answer.headers["Location"].rpartition("/")[2])}
        assert stock.done(job) == {"deleted": len(going), "skipped": 0}
        assert stock.tags() == everything - going
        undone = stock.call("POST", f"/registry/jobs/{job['id']}/undo")
        assert stock.done(undone) == {"restored": len(going), "skipped": 0}
