"""The table of sabotages: for each promise, small faults in the product that named tests must catch."""

import ast
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).parent
PROMISES = (
    "complete",
    "once",
    "whole",
    "ordered",
    "entitled",
    "leaving",
    "fresh",
    "bounded",
    "live",
    "attributed",
    "channels",
    "consumers",
    "webhooks",
    "envelopes",
)
"""Each has a file of its name here."""


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One fault, and who must notice it."""

    promise: str
    # What the product does then, as a sentence.
    does: str
    # Path in the repository; `old` stands in it exactly once, and becomes `new`.
    file: str
    old: str
    new: str
    # As pytest is told them: files, or single tests; at least one must fail.
    tests: tuple[str, ...]

    def applied_to(self, text: str) -> str:
        """Return a file's text with the fault in it."""
        return text.replace(self.old, self.new)


def read_sabotages(folder: Path = TABLE) -> list[Sabotage]:
    """Return all of them, promise by promise."""
    return [
        Sabotage(promise, each["does"], each["file"], each["old"], each["new"], tuple(each["tests"]))
        for promise in PROMISES
        for each in tomllib.loads((folder / f"{promise}.toml").read_text())["sabotage"]
    ]


def staleness(sabotage: Sabotage, root: Path = ROOT) -> str | None:
    """Return why one can not be applied to the code as it is, or has no test; None when all is well."""
    path = root / sabotage.file
    if not path.is_file():
        return f"{sabotage.file} is not there"
    found = path.read_text().count(sabotage.old)
    if found != 1:
        return f"what it changes stands in {sabotage.file} {found} times"
    if sabotage.old == sabotage.new:
        return "it changes nothing"
    if not sabotage.tests:
        return "it names no test"
    return next((f"there is no {test}" for test in sabotage.tests if not _is_there(test, root)), None)


def listing(sabotages: list[Sabotage]) -> str:
    """Return the table as tests/README.md has it."""
    lines = []
    for promise in PROMISES:
        lines += [f"**{promise.capitalize()}**", ""]
        lines += [f"- {each.does} (`{each.file}`)" for each in sabotages if each.promise == promise]
        lines.append("")
    return "\n".join(lines)


def _is_there(test: str, root: Path) -> bool:
    path, _, name = test.partition("::")
    return (root / path).is_file() and (not name or name.partition("[")[0] in _functions(root / path))


@cache
def _functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
