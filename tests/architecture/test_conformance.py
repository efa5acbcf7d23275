"""The table of the specification's demands names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

from moorage.http.registry_v2.errors import RENDERING

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/conformance.md").read_text("utf-8")
NEAR = ROOT / "tests/http/registry_v2"

# Spec: distribution-spec 1.1, "Error Codes".
SPECIFIED = {
    "BLOB_UNKNOWN",
    "BLOB_UPLOAD_INVALID",
    "BLOB_UPLOAD_UNKNOWN",
    "DENIED",
    "DIGEST_INVALID",
    "MANIFEST_BLOB_UNKNOWN",
    "MANIFEST_INVALID",
    "MANIFEST_UNKNOWN",
    "NAME_INVALID",
    "NAME_UNKNOWN",
    "SIZE_INVALID",
    "TOOMANYREQUESTS",
    "UNAUTHORIZED",
    "UNSUPPORTED",
}

NAMED = sorted(set(re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", TEXT)))


def names_in(path: Path) -> set[str]:
    """Name the tests of a file, those in classes as well."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize(("file", "test"), NAMED, ids="::".join)
def test_a_named_test_exists(file: str, test: str) -> None:
    path = ROOT / file if file.startswith("tests/") else NEAR / file
    assert path.exists()
    assert not test or test in names_in(path)


def test_every_demand_names_a_test() -> None:
    rows = [
        line for line in TEXT.splitlines() if re.match(r"\| (must|should) \|", line)
    ]
    assert len(rows) > 50
    assert [row for row in rows if ".py" not in row] == []


def test_every_error_code_is_specified_or_explained() -> None:
    codes = {code for _status, code in RENDERING.values()}
    assert all(re.fullmatch(r"[A-Z_]+", code) for code in codes)
    assert {code for code in codes - SPECIFIED if f"`{code}`" not in TEXT} == set()
