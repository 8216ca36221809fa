"""docs/page.md, docs/protocol.md, the picture and the page name the same tables."""

import re

import pytest
from tests.contract.documents import ROOT, read

from floorcast.database.queries import load_queries


@pytest.mark.parametrize("document", ["docs/page.md", "docs/protocol.md"])
def test_the_document_names_the_tables_of_a_picture(document: str) -> None:
    """In the answer of /v1/picture, as the query puts it together."""
    query = load_queries("picture.sql")["tables"].decode()
    listed = re.search(r'"tables": \{([^}]*)\}', read(document))
    assert listed is not None
    assert re.findall(r'"(\w+)"', listed[1]) == _keys(query)


def test_the_page_holds_every_table_of_a_picture() -> None:
    """What it does not hold would be read for nothing; what is in no picture would be empty until it changes."""
    page = (ROOT / "service/floorcast/http/page/store.js").read_text()
    tables = re.search(r"^const TABLES = \{$(.*?)^\};$", page, re.MULTILINE | re.DOTALL)
    assert tables is not None
    held = re.findall(r"^  (\w+): \{", tables[1], re.MULTILINE)
    assert held == _keys(load_queries("picture.sql")["tables"].decode())


def _keys(query: str) -> list[str]:
    return re.findall(r"^    '(\w+)', coalesce", query, re.MULTILINE)
