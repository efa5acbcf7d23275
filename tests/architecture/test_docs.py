"""What the documents say is true."""

import re
from pathlib import Path

import pytest

from moorage.config import describe

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


def test_every_setting_is_in_the_table_and_nothing_else() -> None:
    text = (ROOT / "docs/settings.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `MOORAGE_")]
    assert rows == [
        f"| `{row.environment}` | {row.shown_default} | {row.sentence} |"
        for row in describe()
    ]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_tests_named_as_guards_exist(path: Path) -> None:
    for name in re.findall(r"`(tests/[\w/]+\.py)`", path.read_text("utf-8")):
        assert (ROOT / name).exists(), name
