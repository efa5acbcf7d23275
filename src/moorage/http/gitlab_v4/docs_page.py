"""The document of the API as a page: one file without scripts, for any browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any

MEDIA_TYPE = "text/html; charset=utf-8"

_STYLE = files(__package__).joinpath("docs_page.css").read_text("utf-8")

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
"""The page loads nothing, and runs nothing."""

Schema = Mapping[str, Any]

_SAMPLES: Mapping[str, str] = {"tag_name": "v1", "path": "group%2Fproject%2Fimage"}


def render(document: Mapping[str, Any]) -> str:
    """Write the page."""
    info, components = document["info"], document["components"]
    url = document["servers"][0]["url"]
    sections = "".join(_section(document, tag, url) for tag in document["tags"])
    shapes = "".join(
        _shape(name, schema) for name, schema in components["schemas"].items()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(info["title"])} API</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{escape(info["title"])} API</h1>
{_paragraphs(info["description"])}
<p>Version {escape(info["version"])}, at <code>{escape(url)}</code>. For programs:
<a href="openapi.json">openapi.json</a>, OpenAPI {escape(document["openapi"])}.</p>
</header>
<nav aria-label="Sections"><ul>
{_contents(document["tags"])}
<li><a href="#refusals">Refusals</a></li>
<li><a href="#shapes">Shapes</a></li>
</ul></nav>
<main>
{sections}
<h2 id="refusals">Refusals</h2>
<p>What every call may be refused with.</p>
{_table(_answers(document, _refusals(document)))}
<h2 id="shapes">Shapes</h2>
<p>What answers are made of.</p>
{shapes}
</main>
</body>
</html>
"""


def _contents(tags: Iterable[Mapping[str, str]]) -> str:
    return "\n".join(
        f'<li><a href="#{_anchor(tag["name"])}">{escape(tag["name"])}</a></li>'
        for tag in tags
    )


def _section(document: Schema, tag: Mapping[str, str], url: str) -> str:
    operations = "".join(
        _operation(document, method, path, told, url)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if tag["name"] in told["tags"]
    )
    return (
        f'<section><h2 id="{_anchor(tag["name"])}">{escape(tag["name"])}</h2>'
        f"<p>{_prose(tag['description'])}</p>{operations}</section>\n"
    )


def _operation(document: Schema, method: str, path: str, told: Schema, url: str) -> str:
    open_to_all = {} in told.get("security", ())
    access = "<p>Nobody need sign in for what is public.</p>" if open_to_all else ""
    return f"""<details id="{escape(told["operationId"])}">
<summary><code>{method.upper()} {escape(path)}</code>
<span>{_prose(told["summary"])}</span></summary>
{access}{_parameters(told)}{_body(told)}
<h4>Answers</h4>
{_table(_answers(document, _own(document, told)))}
<h4>Example</h4>
<pre>{escape(_example(method, path, told, url))}</pre>
</details>
"""


# Tables


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    """Write a table of what is HTML already."""
    lines = "\n".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table>\n{lines}\n</table>"


def _parameters(told: Schema) -> str:
    if not told["parameters"]:
        return ""
    rows = (
        (
            _named(each["name"], needed=each.get("required", False)),
            _kind(each["schema"]),
            _prose(each["description"]) + _default(each["schema"]),
        )
        for each in told["parameters"]
    )
    return f"<h4>In the address</h4>\n{_table(rows)}"


def _body(told: Schema) -> str:
    schema = _taken(told)
    if not schema:
        return ""
    rows = (
        (
            _named(name, needed=name in schema.get("required", ())),
            _kind(each),
            _prose(each["description"]) + _default(each),
        )
        for name, each in schema["properties"].items()
    )
    return f"<h4>In the body</h4>\n{_table(rows)}{_alternatives(schema)}"


def _alternatives(schema: Schema) -> str:
    choices = (
        " or ".join(f"<code>{one['required'][0]}</code>" for one in each["anyOf"])
        for each in schema.get("allOf", ())
    )
    return "".join(f"<p>Needed: {choice}.</p>" for choice in choices)


def _taken(told: Schema) -> Schema:
    if "requestBody" not in told:
        return {}
    schema: Schema = told["requestBody"]["content"]["application/json"]["schema"]
    return schema


def _answers(document: Schema, responses: Schema) -> Iterator[tuple[str, str, str]]:
    for status, response in responses.items():
        whole = response
        if "$ref" in response:
            whole = document["components"]["responses"][status]
        kinds = [_kind(each["schema"]) for each in whole.get("content", {}).values()]
        headers = "".join(f" <code>{name}</code>" for name in whole.get("headers", ()))
        text = _prose(whole["description"])
        yield status, text, " ".join(kinds) + headers


def _own(document: Schema, told: Schema) -> Schema:
    """Return the answers that not every call may have."""
    shared = _refusals(document)
    responses = told["responses"].items()
    return {status: each for status, each in responses if status not in shared}


def _refusals(document: Schema) -> Schema:
    every = [
        told["responses"]
        for methods in document["paths"].values()
        for told in methods.values()
    ]
    responses = document["components"]["responses"].items()
    return {
        status: each
        for status, each in responses
        if all(status in one for one in every)
    }


def _shape(name: str, schema: Schema) -> str:
    required = schema.get("required", ())
    rows = (
        (
            f"<code>{escape(field)}</code>",
            _kind(each),
            "" if field in required else "not always there",
        )
        for field, each in schema["properties"].items()
    )
    return (
        f'<section id="shape-{name}"><h3><code>{name}</code></h3>'
        f"{_paragraphs(schema['description'])}{_table(rows)}</section>\n"
    )


# Words


def _named(name: str, *, needed: bool) -> str:
    mark = ' <span class="needed">needed</span>' if needed else ""
    return f"<code>{escape(name)}</code>{mark}"


def _kind(schema: Schema) -> str:
    """Say what type a value has."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#shape-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"<code>{_spelt(value)}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    kind = schema.get("type", "anything")
    words = [kind] if isinstance(kind, str) else kind
    form = f" ({schema['format']})" if "format" in schema else ""
    return escape(" or ".join(words) + form)


def _default(schema: Schema) -> str:
    if schema.get("default") in (None, ""):
        return ""
    return f" Unless given: <code>{_spelt(schema['default'])}</code>."


def _spelt(value: object) -> str:
    return escape(value if isinstance(value, str) else json.dumps(value))


def _anchor(name: str) -> str:
    return escape(name.replace(" ", "-"))


def _prose(text: str) -> str:
    return re.sub(r"`+([^`]+)`+", r"<code>\1</code>", escape(text))


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_prose(part)}</p>" for part in text.strip().split("\n\n"))


# Examples


def _example(method: str, path: str, told: Schema, url: str) -> str:
    filled = re.sub(r"\{(\w+)\}", lambda found: _sample(found[1]), path)
    query = "&".join(
        f"{each['name']}={_value(each['schema'])}"
        for each in told["parameters"]
        if each["in"] == "query" and each.get("required")
    )
    address = f"{url}{filled}" + (f"?{query}" if query else "")
    lines = [f'curl --request {method.upper()} --header "PRIVATE-TOKEN: $TOKEN"']
    taken = _taken(told)
    lines += [
        f"--data '{name}={_value(schema)}'"
        for name, schema in taken.get("properties", {}).items()
        if name in _needed(taken)
    ]
    return " \\\n  ".join([*lines, f'"{address}"'])


def _needed(taken: Schema) -> set[str]:
    first = (each["anyOf"][0]["required"] for each in taken.get("allOf", ()))
    return {*taken.get("required", ()), *(name for names in first for name in names)}


def _sample(name: str) -> str:
    if name == "digest":
        return "sha256:" + hashlib.sha256(b"").hexdigest()
    return _SAMPLES.get(name, "1")


def _value(schema: Schema) -> str:
    if "enum" in schema:
        return str(schema["enum"][0])
    kind = schema.get("type", "string")
    return "1" if "integer" in (kind, *kind) else "…"
