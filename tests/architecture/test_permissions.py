"""The document of permissions says what the trials hold the server to."""

from permissions.document import PATH, write


def test_the_document_of_permissions_is_written_from_the_tables() -> None:
    assert PATH.read_text("utf-8") == write()
