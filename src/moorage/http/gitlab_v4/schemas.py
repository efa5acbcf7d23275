"""JSON schemas of the types that endpoints declare: of parameters and of answers.

They are in the dialect of OpenAPI 3.1, JSON Schema 2020-12. A ``TypedDict`` becomes a
schema with a name, told apart from the class by the lack of ``Entity`` at its end.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import msgspec
from msgspec import NODEFAULT, UNSET, UnsetType

from moorage.http.gitlab_v4.parameters import MAX_INTEGER, Parameters

Schema = dict[str, Any]
Arguments = Sequence[Any]

NO_NUL = r"^[^\u0000]*$"
REFERENCE = "#/components/schemas/{}"

_PLAIN: Mapping[Any, Schema] = {
    Any: {},
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    dict: {"type": "object"},
}


class Schemas:
    """Makes schemas, and collects those that have a name."""

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {}
        self._kinds: dict[str, Any] = {}
        self._made: Mapping[Any, Callable[[Arguments], Schema]] = {
            Annotated: self._annotated,
            Union: self._union,
            UnionType: self._union,
            Literal: _choice,
            NotRequired: lambda given: self.of(given[0]),
            list: lambda given: {"type": "array", "items": self.of(given[0])},
            dict: self._mapping,
            Mapping: self._mapping,
        }

    def of(self, kind: Any) -> Schema:
        """Return the schema of a type; that of a ``TypedDict`` by reference."""
        if origin := get_origin(kind):
            return self._made[origin](get_args(kind))
        if is_typeddict(kind):
            return {"$ref": REFERENCE.format(self._name(kind))}
        if isinstance(kind, type) and issubclass(kind, Parameters):
            return self.of_parameters((kind,))
        if isinstance(kind, type) and issubclass(kind, Enum):
            return _choice([member.value for member in kind])
        return dict(_PLAIN[kind])

    def of_parameters(self, declarations: tuple[type[Parameters], ...]) -> Schema:
        """Return the schema of all that some declarations take."""
        schema: Schema = {"type": "object", "properties": {}}
        required: list[str] = []
        alternatives: list[Schema] = []
        for declaration in declarations:
            hints = get_type_hints(declaration, include_extras=True)
            for field in msgspec.structs.fields(declaration):
                made = _bounded(self.of(hints[field.name]))
                if field.default not in (NODEFAULT, UNSET, None):
                    made["default"] = _spelt(field.default)
                schema["properties"][field.name] = made
                if field.default is NODEFAULT:
                    required.append(field.name)
            alternatives += [
                {"anyOf": [{"required": [name]} for name in names]}
                for names in declaration.at_least_one_of
            ]
        if required:
            schema["required"] = required
        if alternatives:
            schema["allOf"] = alternatives
        return schema

    def _name(self, kind: Any) -> str:
        name: str = kind.__name__.removesuffix("Entity")
        if self._kinds.setdefault(name, kind) is not kind:
            raise ValueError(f"two types are called {name}")
        if name not in self.named:
            self.named[name] = {}
            self.named[name] = self._object(kind)
        return name

    def _object(self, kind: Any) -> Schema:
        hints = get_type_hints(kind, include_extras=True)
        optional = {name for name in hints if get_origin(hints[name]) is NotRequired}
        return {
            "type": "object",
            "description": inspect.getdoc(kind) or "",
            "properties": {name: self.of(hint) for name, hint in hints.items()},
            "required": [name for name in hints if name not in optional],
        }

    def _mapping(self, given: Arguments) -> Schema:
        return {"type": "object", "additionalProperties": self.of(given[1])}

    def _annotated(self, given: Arguments) -> Schema:
        plain, *keywords = given
        schema = self.of(plain)
        for each in keywords:
            schema[each.name] = (
                list(each.value) if isinstance(each.value, tuple) else each.value
            )
        return schema

    def _union(self, given: Arguments) -> Schema:
        parts = [part for part in given if part is not UnsetType]
        schemas = [self.of(part) for part in parts]
        if len(schemas) == 1:
            return schemas[0]
        null = {"type": "null"}
        rest = [schema for schema in schemas if schema != null]
        if len(rest) == 1 and isinstance(rest[0].get("type"), str):
            return _nullable(rest[0])
        return {"anyOf": schemas}


def _choice(values: Arguments) -> Schema:
    kinds = {type(value) for value in values}
    (kind,) = kinds if len(kinds) == 1 else (Any,)
    return {**_PLAIN[kind], "enum": list(values)}


def _nullable(schema: Schema) -> Schema:
    both = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        both["enum"] = [*schema["enum"], None]
    return both


def _bounded(schema: Schema) -> Schema:
    """Say how great a number may be, and what no text may hold."""
    kind = schema.get("type", ())
    if "string" in (kind, *kind) and not {"enum", "format", "pattern"} & set(schema):
        return {"pattern": NO_NUL, **schema}
    if "integer" in (kind, *kind) and "enum" not in schema:
        return {"minimum": -MAX_INTEGER, "maximum": MAX_INTEGER, **schema}
    if "items" in schema:
        return {**schema, "items": _bounded(schema["items"])}
    return schema


def _spelt(default: Any) -> Any:
    return default.value if isinstance(default, Enum) else default
