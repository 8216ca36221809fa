"""Reads documents the way these tests need: tables as rows of cells."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def read(name: str) -> str:
    """Return a document by its path in the repository."""
    return (ROOT / name).read_text()


def tables(text: str) -> list[list[list[str]]]:
    """Return each Markdown table as rows of cells, the heading first; a bar inside a cell has a backslash before it."""
    found: list[list[list[str]]] = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.splitlines()]
        found.append([rows[0], *rows[2:]])
    return found


def table_after(text: str, heading: str) -> list[list[str]]:
    """Return the rows, without their heading, of the first table after a heading."""
    assert f"\n{heading}\n" in text, f"no heading {heading!r}"
    return tables(text.partition(f"\n{heading}\n")[2])[0][1:]


def replace_table_after(text: str, heading: str, rows: Sequence[Sequence[str]]) -> str:
    """Return a document with other rows in the first table after a heading; the table's own heading stays."""
    before, mark, after = text.partition(f"\n{heading}\n")
    assert mark, f"no heading {heading!r}"
    lines = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return before + mark + re.sub(r"(?m)^(\|.*\n\|-.*\n)(?:\|.*\n)*", lambda table: table[1] + lines, after, count=1)


def tracked_files() -> list[Path]:
    """Return every file that the repository keeps, and those that are about to be added."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]
