"""docs/page.md and the page name the same tables; a view knows what the table of codes says."""

import re

from tests.contract.documents import ROOT, read, table_after

from floorcast.codes import CODES

PAGE = ROOT / "service/floorcast/http/page"


def test_the_document_names_the_tables_that_the_page_holds() -> None:
    """In their order, with how many rows of each."""
    text = re.search(
        r"^export const TABLES = \{$(.*?)^\};$", (PAGE / "tables.js").read_text(), re.MULTILINE | re.DOTALL
    )
    assert text is not None
    held = re.findall(r"^  (\w+): \{.*?most: (\d+)", text[1], re.MULTILINE | re.DOTALL)
    listed = {
        name: most.split()[0].replace(",", "")
        for tables, _, most in table_after(read("docs/page.md"), "## What is held")[:-1]
        for name in re.findall(r"`(\w+)`", tables)
    }
    assert listed == dict(held)


def test_a_view_gives_up_only_where_the_table_of_codes_says_so() -> None:
    """And comes back wherever it may: the page's too, which is one."""
    view = read("clients/js/src/view.js")
    final = _codes(view, "FINAL") | {"forbidden"}
    assert {code for code in final if CODES[code].reconnect} == set()
    assert _codes(view, "ANEW") == {code.code for code in CODES.values() if code.reconnect and not code.cursor_holds}


def _codes(script: str, name: str) -> set[str]:
    listed = re.search(rf"^const {name} = new Set\(\[(.*?)\]\);$", script, re.MULTILINE | re.DOTALL)
    assert listed is not None
    return set(re.findall(r'"(\w+)"', listed[1]))
