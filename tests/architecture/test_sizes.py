"""Files and functions stay small enough to be read in one go."""

import ast
from pathlib import Path

import pytest

import moorage

SOURCE = Path(moorage.__file__).parent
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60

# Longer ones, each with its reason.
LONG_FUNCTIONS = {
    "wiring.py:build": "the list of a server's parts, one after another",
}


MODULES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_module_is_documented_and_not_long(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MAX_FILE_LINES
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_functions_are_not_long(path: Path) -> None:
    name = str(path.relative_to(SOURCE))
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            known = f"{name}:{node.name}" in LONG_FUNCTIONS
            assert lines <= MAX_FUNCTION_LINES or known, f"{name}:{node.name}"
