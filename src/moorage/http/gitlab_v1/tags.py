"""Tags: lists of them with details, and one with its image."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from moorage.domain.published_tags import Image, PublishedTag, Referring
from moorage.domain.tag_lists import Place, TagList, TagOrder
from moorage.http.gitlab_v1.call import Call, show_time
from moorage.http.gitlab_v1.errors import QueryValueError
from moorage.http.messages import Response
from moorage.services.published_tags import TagPage, Window

_SORTS = ("name", "-name", "published_at", "-published_at")


async def list_tags(call: Call) -> Response:
    """``GET /gitlab/v1/repositories/<path>/tags/list/``."""
    wanted, window = _wanted(call), Window(call.limit(), *_markers(call))
    exact = call.request.parameter("name_exact")
    referred = call.choice("referrers", "true", "false") == "true"
    name = await call.authorise()
    service = call.context.published
    if exact is not None:
        page = await service.exactly(name, exact, referred=referred)
    else:
        page = await service.page(name, wanted, window, referred=referred)
    links = _links(call, wanted, window.limit, page)
    headers = {"Link": ", ".join(links)} if links else {}
    return Response.json(200, _entities(call, page, referred=referred), headers)


async def get(call: Call) -> Response:
    """``GET /gitlab/v1/repositories/<path>/tags/detail/<tag>/``."""
    name = await call.authorise()
    tag, image = await call.context.published.detail(name, call.tag)
    body = {
        "repository": name,
        "name": tag.name,
        "image": _image(image),
        **_times(tag),
    }
    return Response.json(200, body)


# Parameters


def _wanted(call: Call) -> TagList:
    sort = call.choice("sort", *_SORTS) or "name"
    by_name = sort.removeprefix("-") == "name"
    return TagList(
        TagOrder.NAME if by_name else TagOrder.PUBLISHED,
        sort.startswith("-"),
        call.request.parameter("name") or "",
    )


def _markers(call: Call) -> tuple[Place | None, Place | None]:
    """Read what a page is behind of or before.

    Raises:
        QueryValueError: It is said to be both, or at no place of a list so ordered.
    """
    last, before = call.request.parameter("last"), call.request.parameter("before")
    if last is not None and before is not None:
        raise QueryValueError("last and before are mutually exclusive")
    order = _wanted(call).order
    return _place("last", order, last), _place("before", order, before)


def _place(parameter: str, order: TagOrder, text: str | None) -> Place | None:
    if text is None:
        return None
    if order is TagOrder.NAME:
        return Place(text, text)
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True).decode()
        time, _, name = raw.partition("|")
        key = _microseconds(datetime.fromisoformat(time))
    except (binascii.Error, ValueError, OverflowError, TypeError):
        raise QueryValueError(
            f"{parameter} is no marker", parameter=parameter
        ) from None
    return Place(key, name)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(time: datetime) -> int:
    since = time - _EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def _marker(order: TagOrder, place: Place, tag: PublishedTag) -> str:
    """Spell a place; in full, so that no tag falls between two pages."""
    if order is TagOrder.NAME:
        return place.name
    time = tag.moved_at.astimezone(UTC).isoformat(timespec="microseconds")
    text = f"{time.removesuffix('+00:00')}Z|{place.name}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _links(call: Call, wanted: TagList, limit: int, page: TagPage) -> list[str]:
    if not page.tags:
        return []
    kept: dict[str, str | int] = {"n": limit}
    for name in ("name", "sort", "referrers", "referrer_type"):
        if (value := call.request.parameter(name)) is not None:
            kept[name] = value
    links = []
    if page.has_previous:
        before = _marker(wanted.order, *page.tags[0])
        links.append(call.link({"before": before, **kept}, "previous"))
    if page.has_next:
        last = _marker(wanted.order, *page.tags[-1])
        links.append(call.link({"last": last, **kept}, "next"))
    return links


# What is shown


def _entities(call: Call, page: TagPage, *, referred: bool) -> list[dict[str, object]]:
    types = call.request.query.get("referrer_type", [])
    entities = []
    for _, tag in page.tags:
        entity: dict[str, object] = {
            "name": tag.name,
            "digest": str(tag.digest),
            "media_type": tag.media_type,
            "size_bytes": tag.size_bytes,
        }
        if tag.config_digest is not None:
            entity["config_digest"] = str(tag.config_digest)
        entity |= _times(tag)
        if referred:
            found = page.referring.get(str(tag.digest), ())
            entity["referrers"] = [
                _referrer(one)
                for one in found
                if not types or one.artifact_type in types
            ]
        entities.append(entity)
    return entities


def _referrer(referring: Referring) -> dict[str, object]:
    shown: dict[str, object] = {"digest": str(referring.digest)}
    if referring.artifact_type is not None:
        shown["artifactType"] = referring.artifact_type
    return shown


def _times(tag: PublishedTag) -> dict[str, str]:
    times = {"created_at": show_time(tag.created_at)}
    if tag.updated_at is not None:
        times["updated_at"] = show_time(tag.updated_at)
    return {**times, "published_at": show_time(tag.moved_at)}


def _image(image: Image) -> dict[str, object]:
    manifest: dict[str, object] = {
        "digest": str(image.digest),
        "media_type": image.media_type,
    }
    if image.references:
        manifest["references"] = [_image(one) for one in image.references]
    shown: dict[str, object] = {"size_bytes": image.size_bytes, "manifest": manifest}
    if image.config_digest is not None:
        config: dict[str, object] = {
            "digest": str(image.config_digest),
            "media_type": image.config_media_type,
        }
        if image.platforms:
            system, _, architecture = image.platforms[0].partition("/")
            config["platform"] = {
                "architecture": architecture.partition("/")[0],
                "os": system,
            }
        shown["config"] = config
    return shown
