"""Malformed requests to the data plane and the token service, from a fixed seed.

More of them: ``MOORAGE_TEST_REQUESTS=100000 pytest tests/properties/test_malformed_…``.
"""

import base64
import json
import os
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from in_process.registry import CONFIG, ROOT_TOKEN, Registry, descriptor, image, index
from moorage.adapters.files import FileBlobStore
from moorage.config import load_settings
from moorage.domain.digest import Digest
from moorage.domain.media_types import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from moorage.http.app import FrontEnds
from moorage.ports.clock import SystemClock
from moorage.ports.database import Database
from moorage.ports.query import Query
from moorage.services.bootstrap import bootstrap
from moorage.services.uploads import Uploads
from moorage.store.migrate import migrate
from moorage.wiring import Services, build, open_database

REQUESTS = int(os.environ.get("MOORAGE_TEST_REQUESTS", "3000"))
SEED = 20240229
GROWTH_BYTES = 64 << 20
"""What the process may grow by between half of the requests and all of them."""

NAME = "root/fuzz/image"
LAYER = b"layer"
KNOWN = Digest.of(LAYER)

TABLES = ("account", "token", "namespace", "project", "repository")
ROWS = {
    table: Query(f"test.{table}", f"SELECT count(*) AS number FROM {table}")  # noqa: S608
    for table in (*TABLES, "upload", "blob")
}

CODE = re.compile(r"[A-Z_]+")

ODD = (
    "",
    "%",
    "%00",
    "%2F",
    "%2e%2e",
    "..",
    "%ff%fe",
    "é",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "a" * 300,
    "%25",
    ";",
    "'",
    '"',
    "\\",
    "{}",
    "*",
    "A",
    "-",
    "_",
    "uploads",
    "blobs",
)

DIGESTS = (
    *[str(KNOWN)] * 5,
    str(Digest.of(CONFIG)),
    str(Digest.of(image())),
    str(Digest.of(LAYER, "sha512")),
    str(Digest.of(b"nothing")),
    "sha256:" + "A" * 64,
    "sha256:" + "a" * 63,
    "sha257:" + "a" * 64,
    "sha512:" + "a" * 64,
    "sha256",
    "sha256:",
    ":",
    "sha256:sha256:a",
    "md5:d41d8cd98f00b204e9800998ecf8427e",
)

NUMBERS = ("-1", "0", "1", "1.5", "²", "9" * 30, "0x10", "1e9", " 1", "NaN", "")

RANGES = (
    "0-4",
    "5-9",
    "0-0",
    "9-5",
    "-1",
    "5-",
    "bytes 0-4/5",
    "bytes=0-4",
    "0-4/*",
    "9" * 40 + "-" + "9" * 40,
    "a-b",
    "²-³",
    "0-4,5-9",
)

HTTP_RANGES = (
    "bytes=0-1",
    "bytes=-0",
    "bytes=-1",
    "bytes=1-",
    "bytes=5-1",
    "bytes=0-1,3-4",
    "bytes=" + "9" * 40 + "-",
    "bytes=-" + "9" * 40,
    "items=0-1",
    "bytes",
    "bytes=²-",
)


def documents() -> list[bytes]:
    """Write manifests that are right, nearly right, and nothing at all."""
    good = json.loads(image())
    changes: list[dict[str, Any]] = [
        {"schemaVersion": 1},
        {"schemaVersion": "2"},
        {"mediaType": 5},
        {"mediaType": DOCKER_MANIFEST},
        {"config": None},
        {"config": []},
        {"config": {"digest": 5, "size": 1}},
        {"config": {**good["config"], "size": -1}},
        {"config": {**good["config"], "size": 2**80}},
        {"config": {**good["config"], "size": True}},
        {"layers": {}},
        {"layers": [None]},
        {"layers": [good["config"]] * 500},
        {"layers": [{**good["config"], "digest": "sha256:no"}]},
        {"subject": "x"},
        {"subject": descriptor(b"none", OCI_MANIFEST)},
        {"annotations": {"a": 1}},
        {"annotations": {"a\0": "\ud800"}},
        {"annotations": []},
        {"artifactType": ["x"]},
        {"artifactType": "\0"},
        {"artifactType": "\ud800"},
        {"artifactType": "x" * 5000, "subject": descriptor(image(), OCI_MANIFEST)},
        {"manifests": [{"platform": 5}]},
    ]
    texts = [json.dumps({**good, **change}).encode() for change in changes]
    broken = [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 5000, b'{"a":' * 5000]
    numbers = [b"1e999", b"-", b'{"schemaVersion":2e0}', b'{"schemaVersion":NaN}']
    indexes = [
        index(image()),
        index(),
        index(b"none"),
        index(image(), manifests=[{}]),
        index(image(), manifests=[{"platform": []}]),
    ]
    return [image(), *texts, *broken, *numbers, *indexes]


DOCUMENTS = documents()


class Fuzzer:
    """Makes requests out of a seed, and learns the locations of upload sessions."""

    def __init__(self, app: FrontEnds, seed: int) -> None:
        self._app = app
        self._random = random.Random(seed)  # noqa: S311 (requests, not secrets)
        self._sessions: list[str] = []
        self._tokens: list[str] = ["x", "a.b.c", ""]
        self.answers: Counter[int] = Counter()

    async def step(self) -> None:
        """Send one request; fail on an answer that no request may get."""
        method, path, query, content = self._request()
        headers = self._headers(path, content)
        status, answered, body = await self._send(method, path, query, headers, content)
        self.answers[status] += 1
        told = f"{method} {path}?{query} {headers} {content[:80]!r}: {status} {body!r}"
        assert status < 500, told
        self._learn(answered, body)
        if status >= 400 and method != "HEAD" and body.startswith(b'{"errors"'):
            for error in json.loads(body)["errors"]:
                assert CODE.fullmatch(error["code"]), told

    def _request(self) -> tuple[str, str, str, bytes]:
        kind = self._random.choice(
            [self._token, self._blob, self._upload, self._manifest, self._list]
        )
        method, path, query, content = kind()
        if self._often(8):
            path = self._mangled(path)
        if self._often(20):
            method = self._random.choice(["PROPFIND", "get", "OPTIONS", "TRACE", "É"])
        if self._often(10):
            query = "&".join([query, *(quote(odd) for odd in ODD)])
        return method, path, query, content

    def _often(self, one_in: int) -> bool:
        return self._random.randrange(one_in) == 0

    def _name(self) -> str:
        odd = self._random.choice(ODD)
        names = [f"root/fuzz/{odd}", odd, f"{NAME}/{odd}", "nobody/has/this", "root"]
        return NAME if not self._often(8) else self._random.choice(names)

    def _mangled(self, path: str) -> str:
        parts = path.split("/")
        at = self._random.randrange(1, len(parts))
        change = self._random.randrange(3)
        if change == 0:
            parts[at] = self._random.choice(ODD)
        elif change == 1:
            parts.insert(at, self._random.choice(ODD))
        else:
            del parts[at]
        return "/" + "/".join(parts).lstrip("/")

    def _digest(self) -> str:
        return self._random.choice(DIGESTS)

    def _bytes(self) -> bytes:
        choices = (LAYER, CONFIG, b"", b"x" * 70_000, self._random.randbytes(9))
        return self._random.choice(choices)

    def _token(self) -> tuple[str, str, str, bytes]:
        scopes = "&".join(
            "scope=" + quote(self._scope()) for _ in range(self._random.randrange(4))
        )
        grant = self._random.choice(["password", "refresh_token", "", "\0"])
        service = self._random.choice(["container_registry"] * 4 + ["", "x"])
        fields = f"service={service}&{scopes}&offline_token=true&access_type=offline"
        secret = quote(self._random.choice([ROOT_TOKEN, *self._tokens, "\0", "é"]))
        form = f"{fields}&grant_type={grant}&refresh_token={secret}"
        # Passwords cost much time by design: one that is a token costs little.
        form += f"&username=root&password={ROOT_TOKEN}"
        content = form.encode() if not self._often(5) else self._bytes()
        return self._random.choice(["GET", "POST"]), "/jwt/auth", fields, content

    def _scope(self) -> str:
        kind = self._random.choice(["repository", "registry", "repository(plugin)", ""])
        actions = self._random.choice(["pull", "push,pull", "*", "", ",,", "delete"])
        scope = f"{kind}:{self._name()}:{actions}"
        return self._random.choice([scope, scope, scope[1:], "registry:catalog:*", ":"])

    def _blob(self) -> tuple[str, str, str, bytes]:
        method = self._random.choice(
            ["GET", "HEAD", "GET", "GET", "GET", "DELETE", "PUT"]
        )
        return method, f"/v2/{self._name()}/blobs/{self._digest()}", "", b""

    def _upload(self) -> tuple[str, str, str, bytes]:
        base = f"/v2/{self._name()}/blobs/uploads/"
        digest = self._digest()
        queries = [
            f"digest={digest}",
            f"digest={Digest.of(LAYER)}",
            "",
            f"mount={digest}&from={self._name()}",
            f"mount={digest}",
            f"digest-algorithm={self._random.choice(['sha512', 'md5', '%00'])}",
            f"digest={digest}&digest=x&mount=&from=",
        ]
        query = self._random.choice(queries)
        if self._sessions and not self._often(3):
            path = self._random.choice(self._sessions)
            methods = ["PATCH", "PUT", "GET", "HEAD", "DELETE", "PATCH"]
            return self._random.choice(methods), path, query, self._bytes()
        if self._often(5):
            base += self._random.choice(ODD)
        return "POST", base, query, self._bytes()

    def _manifest(self) -> tuple[str, str, str, bytes]:
        reference = self._random.choice([self._digest(), "v1", self._tag()])
        content = self._random.choice(DOCUMENTS)
        if self._often(4):
            reference = str(Digest.of(content))
        tags = [f"tag={self._tag()}" for _ in range(self._random.choice([0, 2]))]
        query = "&".join(tags)
        method = self._random.choice(["PUT", "PUT", "PUT", "GET", "HEAD", "DELETE"])
        return method, f"/v2/{self._name()}/manifests/{reference}", query, content

    def _tag(self) -> str:
        return self._random.choice(["v1", "v2", "a" * 129, ".x", *ODD])

    def _list(self) -> tuple[str, str, str, bytes]:
        number, last = self._random.choice(NUMBERS), self._random.choice(ODD)
        paths = [
            f"/v2/{self._name()}/tags/list",
            "/v2/_catalog",
            f"/v2/{self._name()}/referrers/{self._digest()}",
            "/v2/",
            "/v2",
            f"/v2/{self._name()}/tags/reference/{self._tag()}",
        ]
        query = f"n={quote(number)}&last={quote(last)}&artifactType={quote(last)}"
        method = self._random.choice(["GET", "GET", "HEAD", "DELETE"])
        return method, self._random.choice(paths), query, b""

    def _headers(self, path: str, content: bytes) -> list[tuple[str, str]]:
        headers = [("host", "127.0.0.1:5000"), ("authorization", self._credentials())]
        if self._often(6):
            headers.pop()
        if path.startswith("/jwt"):
            headers.append(("content-type", "application/x-www-form-urlencoded"))
        elif not self._often(6):
            types = [OCI_MANIFEST, OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, "x", ";"]
            headers.append(("content-type", self._random.choice(types)))
        lengths = [str(len(content))] * 60 + ["5", *NUMBERS]
        headers.append(("content-length", self._random.choice(lengths)))
        if self._often(8):
            headers.append(("content-range", self._random.choice(RANGES)))
        if self._often(4):
            headers.append(("range", self._random.choice(HTTP_RANGES)))
        if self._often(10):
            known = self._random.choice(["*", '"x', str(KNOWN)])
            headers.append(("if-none-match", known))
        if self._often(10):
            odd = self._random.choice(["transfer-encoding", "accept", "if-range", "x"])
            headers.append((odd, self._random.choice(["chunked", "\x80", "", "é" * 9])))
        return headers

    def _credentials(self) -> str:
        right = base64.b64encode(f"root:{ROOT_TOKEN}".encode()).decode()
        wrong = [
            "Basic",
            "Basic =",
            "Basic " + base64.b64encode(b"\xff:\xff").decode(),
            "Basic " + base64.b64encode(b"nocolon").decode(),
            "bearer",
            "Bearer " + self._random.choice(self._tokens),
            "\xff",
            "",
        ]
        return f"Basic {right}" if not self._often(6) else self._random.choice(wrong)

    async def _send(
        self,
        method: str,
        path: str,
        query: str,
        headers: list[tuple[str, str]],
        content: bytes,
    ) -> tuple[int, dict[str, str], bytes]:
        """Speak ASGI: an HTTP client would refuse to send half of these."""
        middle = self._random.randrange(len(content) + 1)
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": content[:middle], "more_body": True},
            {"type": "http.request", "body": content[middle:], "more_body": False},
        ]
        if self._often(15):
            messages[1] = {"type": "http.disconnect"}
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        raw = path.encode("utf-8", "surrogatepass")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": raw,
            "query_string": query.encode("utf-8", "surrogatepass"),
            "root_path": "",
            "headers": [
                (name.encode(), value.encode("latin-1", "replace"))
                for name, value in headers
            ],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 5000),
            "extensions": {},
        }
        await self._app(scope, receive, send)
        if not sent:
            return 0, {}, b""
        start, *rest = sent
        answered = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], answered, b"".join(m.get("body", b"") for m in rest)

    def _learn(self, headers: dict[str, str], body: bytes) -> None:
        location = headers.get("location", "")
        if "docker-upload-uuid" in headers:
            self._sessions.append(location)
            del self._sessions[:-20]
        for key in ("token", "refresh_token"):
            found = re.search(rb'"%b":"([^"]+)"' % key.encode(), body)
            if found is not None:
                self._tokens.append(found[1].decode())
                del self._tokens[3:-20]


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    chosen = load_settings({"data_dir": str(tmp_path), "max_blob_bytes": "65536"}, {})
    database = open_database(chosen)
    clock = SystemClock()
    migrate(database, clock.now())
    await bootstrap(database, clock, ROOT_TOKEN)
    made = await build(chosen, database)
    yield made
    await database.close()


async def counts(database: Database) -> dict[str, int]:
    found = {}
    for table, query in ROWS.items():
        row = await database.read(lambda tx, query=query: tx.one(query))  # type: ignore[misc]
        assert row is not None
        found[table] = row["number"]
    return found


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.timeout(3600)
async def test_no_request_is_a_fault_of_the_server_and_nothing_is_left_of_it(
    services: Services, tmp_path: Path
) -> None:
    async with Registry(services.front_ends) as registry:
        await registry.push_image(NAME, layers=(LAYER,))
    fuzzer = Fuzzer(services.front_ends, SEED)
    before = await counts(services.database)
    for _ in range(REQUESTS // 2):
        await fuzzer.step()
    halfway = resident_bytes()
    for _ in range(REQUESTS // 2):
        await fuzzer.step()
    assert resident_bytes() - halfway < GROWTH_BYTES
    assert {200, 201, 202, 204, 400, 401, 404, 405, 416} <= set(fuzzer.answers)
    await expire_all(services, tmp_path)
    after = await counts(services.database)
    assert after["upload"] == 0
    assert [after[table] for table in TABLES[:3]] == [
        before[table] for table in TABLES[:3]
    ]
    objects = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert len(objects) == after["blob"]


async def expire_all(services: Services, folder: Path) -> None:
    """End every session: what remains then belongs to blobs."""
    store = FileBlobStore(folder / "blobs")
    lease = timedelta(hours=1)
    uploads = Uploads(services.database, store, services.clock, lease=lease)
    while await uploads.expire(timedelta(0)):
        pass
