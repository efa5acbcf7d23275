import pytest

from moorage.ports.query import Queries

TEXT = """
-- name: plain
SELECT 1;

-- name: page(order=name|date; direction=asc|desc)
-- Served by an index.
SELECT name FROM tag
 ORDER BY {{order: name | COALESCE(date_us, 0)}} {{direction: ASC | DESC}}
 {{direction: | LIMIT 1}};
"""


def test_a_statement_is_read_without_its_comments() -> None:
    assert Queries("tags", TEXT).plain.text == "SELECT 1"


def test_a_variant_is_a_statement_of_its_own() -> None:
    query = Queries("tags", TEXT).variant("page", order="date", direction="desc")
    assert query.name == "tags.page(order=date; direction=desc)"
    assert " ".join(query.text.split()) == (
        "SELECT name FROM tag ORDER BY COALESCE(date_us, 0) DESC LIMIT 1"
    )


def test_every_variant_is_among_the_statements_of_the_file() -> None:
    assert len(list(Queries("tags", TEXT))) == 5


def test_there_are_no_other_variants_than_those_declared() -> None:
    queries = Queries("tags", TEXT)
    with pytest.raises(KeyError):
        queries.variant("page", order="size; DROP TABLE tag", direction="asc")
