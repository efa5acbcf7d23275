"""A registry in process with one of everything per visibility, for every caller."""

from __future__ import annotations

import asyncio
import itertools
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from in_process.registry import ROOT_TOKEN, Registry
from moorage.config import load_settings
from moorage.domain.access import CredentialKind
from moorage.domain.tokens import hash_secret
from moorage.ports.clock import SystemClock
from moorage.services.bootstrap import bootstrap
from moorage.store import tokens
from moorage.store.migrate import migrate
from moorage.wiring import Services, build, open_database
from permissions.callers import LEVELS, PERSONAL_TOKENS, VISIBILITIES, Caller
from permissions.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping
    from types import TracebackType

    import httpx

Json = dict[str, Any]

_ADMINISTRATOR = {"PRIVATE-TOKEN": ROOT_TOKEN}
_RULES = {"name_regex_delete": "nothing-is-called-this"}


@dataclass
class Place:
    """The group and project of one visibility, and what the parameters of paths are."""

    visibility: str
    group: Json
    project: Json
    numbers: dict[str, Any] = field(default_factory=dict)
    other: Json = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.project['path_with_namespace']}/app"

    def fill(self, path: str) -> str:
        """Write an address of what this place has."""
        return re.sub(r"\{(\w+)\}", lambda found: self._value(path, found[1]), path)

    def _value(self, path: str, name: str) -> str:
        before = path.partition("{" + name + "}")[0].rstrip("/")
        for key in (path, before, name):
            if (found := self.numbers.get(f"{key}:{name}")) is not None:
                return str(found)
        raise KeyError(f"{path}: {name}")


class Estate:
    """Runs calls, and puts everything back afterwards."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._settings = load_settings(given, {})
        self._runner = asyncio.Runner()
        self.places: dict[str, Place] = {}
        self.people: dict[str, str] = {}
        self.numbers_of_people: dict[str, int] = {}
        self.guests: dict[str, int] = {}
        self._counter = itertools.count()

    def __enter__(self) -> Self:
        self.run(self._open())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.run(self._close())
        self._rows.close()
        self._runner.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Wait for something."""
        return self._runner.run(work)

    async def _close(self) -> None:
        await self.registry.__aexit__()
        await self._services.store.close()
        await self._services.database.close()

    async def _open(self) -> None:
        database, clock = open_database(self._settings), SystemClock()
        migrate(database, clock.now())
        await bootstrap(database, clock, ROOT_TOKEN)
        self._services: Services = await build(self._settings, database)
        self.registry = Registry(self._services.front_ends)
        await self._people()
        await self._guests()
        for visibility in VISIBILITIES:
            self.places[visibility] = await self._place(visibility)
        for place in self.places.values():
            # Nobody runs these any more.
            waiting = await self._bulk_delete(place, "new")
            place.numbers["/registry/jobs:job_id"] = waiting
        for name in (*self.people, *self.places["private"].secrets):
            secret = self.people.get(name) or self.places["private"].secrets[name]
            await self.send("GET", "/user", {"PRIVATE-TOKEN": secret})
        self._rows = rows_of(self._settings)
        self._usual = self._rows.copy()

    def restore(self) -> None:
        """Undo all that was written."""
        self._rows.put_back(self._usual)

    @contextmanager
    def changed(self, place: Place, changes: Json) -> Iterator[None]:
        """Let a project be another; what is undone meanwhile leads back to that."""
        usual = self._usual
        try:
            self.run(self.make(f"/projects/{place.project['id']}", changes, "PUT"))
            self._usual = self._rows.copy()
            yield
        finally:
            self._usual = usual
            self.restore()

    # Calls

    async def send(
        self, method: str, path: str, headers: dict[str, str], body: Json | None = None
    ) -> httpx.Response:
        """Call the management API."""
        return await self.registry.send_json(method, f"/api/v4{path}", body, headers)

    async def make(self, path: str, body: Json, method: str = "POST") -> Any:
        """Do something as the administrator."""
        answer = await self.send(method, path, _ADMINISTRATOR, body)
        assert answer.status_code in (200, 201, 202, 204), f"{path}: {answer.text}"
        return answer.json() if answer.content else None

    async def credentials(
        self, caller: Caller, place: Place
    ) -> tuple[dict[str, str], str]:
        """Return the headers and the query that name a caller."""
        if not caller.holder:
            return {}, ""
        secret = self.secret(caller.holder, place)
        if caller.form == "query":
            return {}, f"?private_token={secret}"
        if caller.form == "registry token":
            scope = f"repository:{place.name}:pull"
            token = await self.registry.token(scope, (caller.holder, secret))
            return {"Authorization": f"Bearer {token}"}, ""
        if caller.form == "session":
            return self.session, ""
        return {
            "Bearer": {"Authorization": f"Bearer {secret}"},
            "Basic": {"Authorization": "Basic b3duZXI6b3duZXI="},
            "Sudo": {"PRIVATE-TOKEN": self.people["sudo"], "Sudo": caller.holder},
        }.get(caller.form, {caller.form: secret}), ""

    def secret(self, holder: str, place: Place) -> str:
        """Return somebody's token."""
        return place.secrets.get(holder) or self.people[holder]

    def login(self, caller: Caller, place: Place) -> tuple[str, str] | None:
        """Return the user name and password that name a caller at the registry."""
        if not caller.holder:
            return None
        login = "gitlab-ci-token" if caller.kind == "job" else "somebody"
        name = place.logins.get(caller.holder, login)
        return name, self.secret(caller.holder, place)

    # What there is

    async def _people(self) -> None:
        for name in ("stranger", "external stranger", *LEVELS, "blocked owner"):
            await self._person(name, external=name.startswith("external"))
        for name in ("subject", "newcomer"):
            await self._person(name)
        await self._person("banned")
        await self.make(f"/users/{self.numbers_of_people['banned']}/ban", {})
        self.people["administrator"] = ROOT_TOKEN
        self.numbers_of_people["administrator"] = 1
        self.people["unknown token"] = "glpat-nobody-has-it"
        for caller in PERSONAL_TOKENS:
            self.people[caller.name] = await self._token("owner", *caller.scopes)
        self.people["sudo"] = await self._token("administrator", "api", "sudo")
        revoked = self.people["revoked token"] = await self._token("owner", "api")
        await self.send(
            "DELETE", "/personal_access_tokens/self", {"PRIVATE-TOKEN": revoked}
        )
        await self._expired_token()
        await self._session()

    async def _session(self) -> None:
        """Sign the owner in, as a browser does."""
        password = "the owner's password"
        number = self.numbers_of_people["owner"]
        await self.make(f"/users/{number}", {"password": password}, "PUT")
        body = {"login": "owner", "password": password}
        answer = await self.send("POST", "/session", {}, body)
        self.session = {
            "Cookie": f"_moorage_session={answer.cookies['_moorage_session']}",
            "X-CSRF-Token": answer.json()["csrf_token"],
        }

    async def _person(self, name: str, *, external: bool = False) -> None:
        username = name.replace(" ", "-")
        body = {
            "username": username,
            "name": name,
            "email": f"{username}@example.com",
            "force_random_password": True,
            "external": external,
        }
        self.numbers_of_people[name] = (await self.make("/users", body))["id"]
        self.people[name] = await self._token(name, "api")

    async def _token(self, owner: str, *scopes: str) -> str:
        path = f"/users/{self.numbers_of_people[owner]}/personal_access_tokens"
        made = await self.make(path, {"name": "test", "scopes": list(scopes)})
        secret: str = made["token"]
        return secret

    async def _expired_token(self) -> None:
        secret = self.people["expired token"] = "glpat-it-was-good-once"
        now = SystemClock().now()
        new = tokens.NewToken(
            kind=CredentialKind.PERSONAL,
            secret_hash=hash_secret(secret),
            name="expired",
            scopes=("api",),
            account_id=self.numbers_of_people["owner"],
            expires_at=now - timedelta(days=1),
        )
        await self._services.database.write(lambda tx: tokens.create(tx, new, now=now))

    async def _place(self, visibility: str) -> Place:
        group = await self._group(visibility)
        place = Place(visibility, group, await self._project(group, "project"))
        for name, level in {**LEVELS, "blocked owner": 50}.items():
            body = {"user_id": self.numbers_of_people[name], "access_level": level}
            await self.make(f"/groups/{group['id']}/members", body)
        if visibility == VISIBILITIES[-1]:
            await self.make(
                f"/users/{self.numbers_of_people['blocked owner']}/block", {}
            )
        place.numbers = {
            "/projects:id": place.project["id"],
            "/groups:id": group["id"],
            "/namespaces:id": group["id"],
            "/users:id": self.numbers_of_people["subject"],
            "/users:user_id": self.numbers_of_people["subject"],
            "/users/{id}/unban:id": self.numbers_of_people["banned"],
            "tag_name:tag_name": "v1",
        }
        await self._subgroups(place)
        await self._images(place)
        await self._contents(place)
        await self._tokens(place)
        return place

    async def _subgroups(self, place: Place) -> None:
        """Make what can be moved, and where to, and invite a group."""
        for name in ("branch", "nest"):
            body = {"name": name, "path": name, "parent_id": place.group["id"]}
            place.numbers[f"{name}:{name}"] = (await self.make("/groups", body))["id"]
        branch = place.numbers["branch:branch"]
        place.numbers |= {
            "/groups/{id}/projects/{project_id}:id": branch,
            "/groups/{id}/projects:project_id": place.project["id"],
            "/groups/{id}/transfer:id": branch,
        }
        for folder in ("/projects/{id}", "/groups/{id}"):
            sharing = {"group_id": self.guests["sharing"], "group_access": 10}
            await self.make(place.fill(f"{folder}/share"), sharing)
            place.numbers[f"{folder}/share:group_id"] = self.guests["sharing"]

    async def _guests(self) -> None:
        """Make groups without people that everybody sees."""
        for name in ("invited", "sharing"):
            body = {"name": name, "path": name, "visibility": "public"}
            self.guests[name] = (await self.make("/groups", body))["id"]

    async def _group(self, visibility: str, prefix: str = "") -> Json:
        name = f"{prefix}{visibility}"
        body = {"name": name, "path": name, "visibility": visibility}
        made: Json = await self.make("/groups", body)
        return made

    async def _project(self, group: Json, name: str) -> Json:
        body = {
            "name": name,
            "namespace_id": group["id"],
            "visibility": group["visibility"],
        }
        made: Json = await self.make("/projects", body)
        return made

    async def _images(self, place: Place) -> None:
        digest = await self.registry.push_image(place.name, "v1")
        await self.registry.push_image(place.name, "v2")
        unused = f"a {place.visibility} blob that no manifest uses".encode()
        spare = await self.registry.push_blob(place.name, unused)
        session = await self.registry.start_upload(place.name)
        place.numbers |= {
            "digest:digest": str(digest),
            "spare:spare": str(spare),
            "session:session": session.rpartition("/")[2],
            "/namespaces:path": "nothing",
            "/registry/repositories/by-path:path": place.name.replace("/", "%2F"),
        }
        repositories = f"/projects/{place.project['id']}/registry/repositories"
        found = await self.make(repositories, {}, "GET")
        base = "/projects/{id}/registry/repositories"
        app = place.numbers[f"{base}:repository_id"] = found[0]["id"]
        place.numbers["/registry/repositories:id"] = app
        await self.make(f"{repositories}/{app}/tags/v2", {}, "DELETE")
        tag = base + "/{repository_id}/tags/{tag_name}/restore"
        place.numbers[f"{tag}:tag_name"] = "v2"
        place.numbers["/registry/jobs/{job_id}/undo:job_id"] = await self._bulk_delete(
            place, "old"
        )
        while await self._services.worker.run_one():
            pass

    async def _bulk_delete(self, place: Place, name: str) -> str:
        path = f"{place.project['path_with_namespace']}/{name}"
        await self.registry.push_image(path, "v1")
        quoted = path.replace("/", "%2F")
        found = await self.make(f"/registry/repositories/by-path/{quoted}", {}, "GET")
        base = f"/projects/{place.project['id']}/registry/repositories"
        answer = await self.send(
            "DELETE",
            f"{base}/{found['id']}/tags",
            _ADMINISTRATOR,
            {"name_regex_delete": ".*"},
        )
        return answer.headers["Location"].rpartition("/")[2]

    async def _contents(self, place: Place) -> None:
        """Make one of everything that has a number and hinders nobody."""
        for folder in ("/projects/{id}", "/groups/{id}"):
            member = {"user_id": self.numbers_of_people["subject"], "access_level": 30}
            members = folder + "/members"
            await self.make(place.fill(members), member)
            place.numbers[f"{members}:user_id"] = self.numbers_of_people["subject"]
            place.numbers[f"{members}/all:user_id"] = self.numbers_of_people["subject"]
        registry = "/projects/{id}/registry"
        for path, name in (
            ("/projects/{id}/access_tokens", "token_id"),
            ("/groups/{id}/access_tokens", "token_id"),
            ("/projects/{id}/deploy_tokens", "token_id"),
            ("/groups/{id}/deploy_tokens", "token_id"),
            ("/projects/{id}/ci_job_tokens", "job_id"),
            (registry + "/policies", "policy_id"),
            ("/groups/{id}/registry/policies", "policy_id"),
            (registry + "/webhooks", "webhook_id"),
            (registry + "/repositories/{repository_id}/plans", "plan_id"),
        ):
            await self.make_one(place, path, name)
        own = await self.make("/personal_access_tokens", {}, "GET")
        subject = self.numbers_of_people["subject"]
        place.numbers["/personal_access_tokens:id"] = next(
            token["id"] for token in own if token["user_id"] == subject
        )

    async def make_one(self, place: Place, path: str, name: str) -> None:
        """Make what stands below a path, and remember its number."""
        body = self.body("POST", path, place)
        made = await self.make(place.fill(path), body or {})
        place.numbers[f"{path}:{name}"] = made["id"]

    async def _tokens(self, place: Place) -> None:
        other = await self._project(
            await self._group(place.visibility, "other-"), "other"
        )
        place.other = other
        member = {"user_id": self.numbers_of_people["owner"], "access_level": 30}
        await self.make(f"/projects/{other['id']}/members", member)
        own = f"/projects/{place.project['id']}"
        theirs = f"/projects/{other['id']}"
        group = f"/groups/{place.group['id']}"
        for name, path, scopes, level in (
            ("project token", own, ["api"], 40),
            ("project token, read_api", own, ["read_api"], 40),
            ("group token", group, ["api"], 50),
            ("another project's token", theirs, ["api"], 40),
        ):
            body = {"name": name, "scopes": scopes, "access_level": level}
            made = await self.make(f"{path}/access_tokens", body)
            place.secrets[name] = made["token"]
        for name, path, user in (
            ("job of a maintainer", own, "maintainer"),
            ("job of a developer", own, "developer"),
            ("another project's job", theirs, "owner"),
        ):
            made = await self.make(
                f"{path}/ci_job_tokens", {"user_id": self.numbers_of_people[user]}
            )
            place.secrets[name] = made["token"]
        for name, path, scopes in (
            ("reading deploy token", own, ["read_registry"]),
            ("writing deploy token", own, ["write_registry"]),
            ("deploy token", own, ["read_registry", "write_registry"]),
            ("another project's deploy token", theirs, ["read_registry"]),
        ):
            body = {"name": name, "scopes": scopes}
            made = await self.make(f"{path}/deploy_tokens", body)
            place.secrets[name] = made["token"]
            place.logins[name] = made["username"]

    # What is sent

    def body(self, method: str, path: str, place: Place) -> Json | None:
        """Return what has to be given for a call to be acceptable."""
        if method == "POST" and path in ("/projects", "/groups"):
            parent = "namespace_id" if path == "/projects" else "parent_id"
            return {"name": "made", "path": "made", parent: place.group["id"]}
        for (its_method, ending), body in _BODIES.items():
            if method == its_method and path.endswith(ending):
                return self._personal(body, place)
        return None

    def _personal(self, body: Json, place: Place) -> Json:
        known = {
            "NEWCOMER": self.numbers_of_people["newcomer"],
            "INVITED": self.guests["invited"],
            "BRANCH": place.numbers["branch:branch"],
            "NEST": place.numbers["nest:nest"],
            "ADDRESS": f"https://hooks.example.com/{next(self._counter)}",
            "PATH": f"{place.project['path_with_namespace']}/protected*",
        }
        return {
            name: known.get(value, value) if isinstance(value, str) else value
            for name, value in body.items()
        }


_POLICY = {
    "name": "made",
    "rules": {"delete": [{"when": {"glob": "nothing-is-called-this"}}]},
}
_PATH_RULE = {
    "repository_path_pattern": "PATH",
    "minimum_access_level_for_push": "maintainer",
}
_TAG_RULE = {
    "tag_name_pattern": "protected",
    "minimum_access_level_for_push": "maintainer",
    "minimum_access_level_for_delete": "maintainer",
}
# By the end of the path; the first that fits.
_BODIES: dict[tuple[str, str], Json] = {
    ("POST", "/users"): {
        "username": "made",
        "name": "Made",
        "email": "made@example.com",
        "force_random_password": True,
    },
    ("PUT", "/users/{id}"): {"name": "Renamed"},
    ("PUT", "/projects/{id}"): {"description": "changed"},
    ("PUT", "/groups/{id}"): {"description": "changed"},
    ("POST", "/personal_access_tokens"): {"name": "made", "scopes": ["read_api"]},
    ("POST", "/access_tokens"): {
        "name": "made",
        "scopes": ["read_api"],
        "access_level": 10,
    },
    ("POST", "/deploy_tokens"): {"name": "made", "scopes": ["read_registry"]},
    ("PUT", "/projects/{id}/transfer"): {"namespace": "BRANCH"},
    ("POST", "/groups/{id}/transfer"): {"group_id": "NEST"},
    ("POST", "/share"): {"group_id": "INVITED", "group_access": 10},
    ("POST", "/members"): {"user_id": "NEWCOMER", "access_level": 20},
    ("PUT", "/members/{user_id}"): {"access_level": 30},
    ("DELETE", "/tags"): _RULES,
    ("POST", "/plans"): _RULES,
    ("POST", "/holds"): {"tag": "v1", "reason": "kept"},
    ("POST", "/policies"): _POLICY,
    ("PUT", "/policies/{policy_id}"): {"enabled": False},
    ("POST", "/webhooks"): {"url": "ADDRESS"},
    ("POST", "/tag/rules"): _TAG_RULE,
    ("POST", "/rules"): _PATH_RULE,
    ("PATCH", "/tag/rules/{protection_rule_id}"): {"tag_name_pattern": "other"},
    ("PATCH", "/rules/{protection_rule_id}"): {
        "minimum_access_level_for_push": "owner"
    },
}
