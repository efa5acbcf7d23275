"""Parameters: from wherever they were sent, to the types that an endpoint declares.

An endpoint declares its parameters as a ``msgspec.Struct``::

    class BulkDelete(Parameters, kw_only=True):
        at_least_one_of = (("name_regex", "name_regex_delete"),)
        name_regex: str | UnsetType = UNSET
        keep_n: int | None = None

A field without a default is required; one that defaults to ``UNSET`` can be told from
one that was sent empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from email.message import Message
from enum import Enum
from functools import cache
from types import UnionType
from typing import (
    Any,
    ClassVar,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)
from urllib.parse import parse_qsl

import msgspec
from msgspec import NODEFAULT, UNSET, UnsetType
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from moorage.domain.errors import InvalidError, ParameterError

TRUE = frozenset({"true", "t", "1", "on", "y", "yes"})
FALSE = frozenset({"false", "f", "0", "off", "n", "no"})
"""In lower, upper or title case.

Source: GitLab registry API facts, "Where parameters may be".
"""

MAX_DEPTH = 32
"""How deep lists and mappings may lie in one another."""

MAX_INTEGER = (1 << 63) - 1
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,19}\s*")
_DATE_LENGTH = len("2021-01-31")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")

Given = dict[str, Any]


class Parameters(msgspec.Struct):
    """What an endpoint declares; see the module."""

    at_least_one_of: ClassVar[tuple[tuple[str, ...], ...]] = ()


Declared = TypeVar("Declared", bound=Parameters)


class MediaTypeError(InvalidError):
    """A body in a format that the API does not read."""

    message = "content type is not supported"


# Collecting


async def collect(request: Request) -> Given:
    """Merge the parameters of query and body; those of the body win.

    Raises:
        ParameterError: The body is not what its content type says, or lists and
            mappings lie too deep in one another.
        MediaTypeError: Its content type is none that the API reads.
    """
    query = request.scope["query_string"].decode("ascii", "replace")
    found = _nested(parse_qsl(query, keep_blank_values=True))
    found.update(await _body(request))
    _check_depth(found)
    return found


async def _body(request: Request) -> Given:
    content = await request.body()
    if not content:
        return {}
    header = request.headers.get("content-type", "application/x-www-form-urlencoded")
    media_type = header.partition(";")[0].strip().lower()
    if media_type == "application/json":
        return _json(content)
    if media_type == "multipart/form-data":
        return await _form(request, content)
    if media_type == "application/x-www-form-urlencoded":
        text = content.decode("utf-8", "replace")
        return _nested(parse_qsl(text, keep_blank_values=True))
    raise MediaTypeError(f"The provided content-type '{media_type}' is not supported.")


def _json(content: bytes) -> Given:
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _mismatch() from None
    if not isinstance(found, dict):
        raise _mismatch()
    return found


async def _form(request: Request, content: bytes) -> Given:
    header = Message()
    header["content-type"] = request.headers["content-type"]
    boundary = (header.get_boundary() or "").encode("latin-1", "replace")
    if not boundary or b"--" + boundary + b"--" not in content:
        raise _mismatch()
    try:
        form = await request.form(max_files=20, max_fields=1000)
    except (HTTPException, MultiPartException):
        raise _mismatch() from None
    pairs = ((name, value) for name, value in form.multi_items())
    return _nested((name, value) for name, value in pairs if isinstance(value, str))


def _mismatch() -> ParameterError:
    return ParameterError("message body does not match declared format")


def _too_deep() -> ParameterError:
    return ParameterError("parameters are nested too deeply")


def _check_depth(given: Given) -> None:
    level: list[Any] = [given]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for value in level for inner in _inside(value)]
    if level:
        raise _too_deep()


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _nested(pairs: Iterable[tuple[str, str]]) -> Given:
    """Read ``a[]=1``, ``a[b]=1``, ``a[b][]=1`` as lists and mappings."""
    found: Given = {}
    for name, value in pairs:
        key, _, rest = name.partition("[")
        if rest.count("[") >= MAX_DEPTH:
            raise _too_deep()
        _insert(found, [key, *_BRACKETS.findall("[" + rest)], value)
    return found


def _insert(into: Given, path: list[str], value: str) -> None:
    key, *rest = path
    if not rest:
        into[key] = value
    elif rest == [""]:
        items = into.setdefault(key, [])
        if isinstance(items, list):
            items.append(value)
    else:
        inner = into.setdefault(key, {})
        if isinstance(inner, dict):
            _insert(inner, rest, value)


# Coercing


class _NotCoercibleError(Exception):
    def __init__(self, complaint: str = "is invalid") -> None:
        super().__init__(complaint)
        self.complaint = complaint


def read(given: Mapping[str, Any], declaration: type[Declared]) -> Declared:
    """Coerce the declared parameters; what is not declared is ignored.

    Raises:
        ParameterError: All complaints, joined by commas, as GitLab words them.
    """
    complaints: list[str] = []
    values = _read_fields(given, declaration, "{}", complaints)
    complaints += _absent_alternatives(given, declaration)
    if complaints:
        raise ParameterError(", ".join(complaints))
    return declaration(**values)


def _read_fields(
    given: Mapping[str, Any],
    declaration: type[Parameters],
    spelling: str,
    complaints: list[str],
) -> Given:
    values: Given = {}
    for name, kind, required in _fields(declaration):
        if name not in given:
            if required:
                complaints.append(f"{spelling.format(name)} is missing")
            continue
        try:
            value = _coerce(given[name], kind, spelling.format(name), complaints)
        except _NotCoercibleError as error:
            complaints.append(f"{spelling.format(name)} {error.complaint}")
            continue
        if value is None and not _optional(kind):
            if required:
                complaints.append(f"{spelling.format(name)} is empty")
            continue
        values[name] = value
    return values


@cache
def _fields(declaration: type[Parameters]) -> list[tuple[str, Any, bool]]:
    hints = get_type_hints(declaration)
    return [
        (
            field.name,
            hints[field.name],
            field.default is NODEFAULT and field.default_factory is NODEFAULT,
        )
        for field in msgspec.structs.fields(declaration)
    ]


def _absent_alternatives(
    given: Mapping[str, Any], declaration: type[Parameters]
) -> list[str]:
    # Null is something where it means something, and nothing elsewhere.
    provided = {
        name
        for name, kind, _ in _fields(declaration)
        if name in given and (given[name] is not None or _optional(kind))
    }
    return [
        f"{', '.join(names)} are missing, at least one parameter must be provided"
        for names in declaration.at_least_one_of
        if provided.isdisjoint(names)
    ]


def _optional(kind: Any) -> bool:
    return type(None) in get_args(kind)


def _coerce(value: Any, kind: Any, name: str, complaints: list[str]) -> Any:
    """Return the value as its type; ``None`` for nothing, which an optional takes."""
    plain = _plain(kind)
    if value is None or (value == "" and plain is not str):
        return None
    if get_origin(plain) is list:
        return _list(value, get_args(plain)[0], name, complaints)
    if isinstance(plain, type) and issubclass(plain, Parameters):
        if not isinstance(value, dict):
            raise _NotCoercibleError
        return plain(**_read_fields(value, plain, name + "[{}]", complaints))
    if get_origin(plain) is Literal:
        return _choice(value, get_args(plain))
    if issubclass(plain, Enum):
        return plain(_choice(value, [member.value for member in plain]))
    return _SCALARS[plain](value)


@cache
def _plain(kind: Any) -> Any:
    """Take ``None`` and ``UnsetType`` out of a union, and what a mapping holds."""
    rest = kind
    if get_origin(kind) in (Union, UnionType):
        nothing = (type(None), UnsetType)
        (rest,) = (part for part in get_args(kind) if part not in nothing)
    return dict if is_typeddict(rest) else rest


def _list(value: Any, kind: Any, name: str, complaints: list[str]) -> list[Any]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list):
        raise _NotCoercibleError
    stripped = [item.strip() if isinstance(item, str) else item for item in items]
    return [_coerce(item, kind, name, complaints) for item in stripped]


def _choice(value: Any, choices: Iterable[Any]) -> str:
    text = _text(value)
    if text not in choices:
        raise _NotCoercibleError("does not have a valid value")
    return text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str) or "\0" in value:
        raise _NotCoercibleError
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _NotCoercibleError from None
    return value


def _integer(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _NotCoercibleError
    if abs(value) > MAX_INTEGER:
        raise _NotCoercibleError
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value) if isinstance(value, str | int) else ""
    if text in (text.lower(), text.upper(), text.title()):
        if text.lower() in TRUE:
            return True
        if text.lower() in FALSE:
            return False
    raise _NotCoercibleError


def _date(value: Any) -> date:
    try:
        if len(_text(value)) == _DATE_LENGTH:
            return date.fromisoformat(value)
        return datetime.fromisoformat(value).date()
    except (ValueError, TypeError):
        raise _NotCoercibleError from None


def _moment(value: Any) -> datetime:
    """Read a date, which is its midnight, or a time; in UTC where none is named."""
    try:
        found = datetime.fromisoformat(_text(value))
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _NotCoercibleError from None


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _NotCoercibleError
    return value


_SCALARS: Mapping[Any, Any] = {
    str: _text,
    int: _integer,
    bool: _boolean,
    date: _date,
    datetime: _moment,
    dict: _mapping,
}

__all__ = ["UNSET", "Declared", "Given", "Parameters", "UnsetType", "collect", "read"]
