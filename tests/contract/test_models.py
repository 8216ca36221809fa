"""The models, their table and the code name the same things; `make models` has them checked."""

import re
from pathlib import Path

import pytest
from tests.contract.documents import ROOT, read

MODELS = sorted((ROOT / "models").rglob("*.pml"))
_SWITCH = re.compile(r"^\s*#\s*(?:ifn?def|(?:el)?if)\s+(.*)$", re.MULTILINE)
_NAME = re.compile(r"\b[A-Z][A-Z_]+\b")
_BOUND = re.compile(r"^#define ([A-Z_]+)\b", re.MULTILINE)
_RUN = re.compile(r"^\| `((?:doorbell|publication)[^`]*)`", re.MULTILINE)
_PATH = re.compile(r"\b(?:service|triggers)/[\w/.]+\w")


def _rows() -> list[set[str]]:
    """The words of each run in the table."""
    return [set(run.split()) for run in _RUN.findall(read("models/README.md"))]


def test_every_switch_of_a_model_is_run() -> None:
    """A sabotage that is in no row is one that nobody knows to be found."""
    run = {word.partition("=")[0] for row in _rows() for word in row}
    texts = {path.name: path.read_text() for path in MODELS}
    bounds = {name for text in texts.values() for name in _BOUND.findall(text)}
    for name, text in texts.items():
        assert {word for line in _SWITCH.findall(text) for word in _NAME.findall(line)} - bounds <= run, name


def test_every_run_is_of_a_switch_that_there_is() -> None:
    """A misspelt one would run the model as it is, and be said to find nothing."""
    known = set(_NAME.findall("\n".join(path.read_text() for path in MODELS)))
    for row in _rows():
        assert {word.partition("=")[0] for word in row if word.isupper() or "=" in word} <= known


@pytest.mark.parametrize("path", [*MODELS, ROOT / "models" / "README.md"], ids=lambda path: path.name)
def test_what_a_model_speaks_of_is_there(path: Path) -> None:
    """Each names the files that it was made from."""
    missing = [name for name in _PATH.findall(path.read_text()) if not (ROOT / name).exists()]
    assert missing == []
