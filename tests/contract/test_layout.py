"""The tree obeys its own laws."""

import re
import subprocess
import sys
import tomllib

import pytest
from tests.contract.documents import ROOT, read, tracked_files
from typer.main import get_command

from floorcast.cli import app

PACKAGE = ROOT / "service" / "floorcast"
DRAWERS = {"utils", "util", "helpers", "helper", "common", "base", "core", "manager", "managers", "misc", "stuff"}
TEXTS = {".py", ".sql", ".lua", ".md", ".toml", ".js", ".css", ".html", ".sh", ".csv", ".yml", ".txt", ".pml", ""}

# Folders of one machine, and traces of how the work was organized. In brackets, so that this file contains neither.
ELSEWHERE = re.compile(
    r"(?<![\w./}-])(/w[o]rk/|/r[o]ot/|/tmp/f[c]\b)|\bissue [0-9]|[C]ONTRACT\.md|c[h]atgpt|c[l]aude|\bsub-?a[g]ent"
)


def test_no_file_is_a_drawer() -> None:
    """A name that fits everything collects everything."""
    named = [path for path in tracked_files() if path.stem.lower().lstrip("_") in DRAWERS]
    assert not named


def test_no_file_means_something_only_where_it_was_written() -> None:
    """Paths of somebody's machine, and words about who did what when: nobody else can use them."""
    found = []
    for path in tracked_files():
        if path.suffix in TEXTS:
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
                if ELSEWHERE.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found


def test_every_module_says_what_it_is_for() -> None:
    """The first line of each file, read one after the other, is a table of contents."""
    silent = []
    for path in PACKAGE.rglob("*.py"):
        first = path.read_text().lstrip().splitlines()[:1]
        if not first or not first[0].lstrip("#r ").startswith(('"""', "ruff: noqa")):
            silent.append(path)
    assert not silent


def test_a_module_that_calls_itself_pure_is_held_to_it() -> None:
    """Such a file is in the contract that import-linter checks: else it is pure until somebody forgets."""
    held = _pure_modules()
    claimed = set()
    for path in PACKAGE.rglob("*.py"):
        docstring = path.read_text().split('"""')[1] if '"""' in path.read_text() else ""
        if re.search(r"\(pure\b|\bPure[.:;]|\bpure\)|Pure data", docstring):
            claimed.add(".".join(("floorcast", *path.relative_to(PACKAGE).with_suffix("").parts)))
    assert claimed <= held


def test_a_pure_file_has_nothing_to_wait_with() -> None:
    """`async` needs no import, so the linter would not see it."""
    for module in sorted(_pure_modules()):
        path = PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
        assert not re.search(r"^\s*(async |await )|time\.sleep\(", path.read_text(), re.MULTILINE), module


@pytest.mark.parametrize("words", [(), *((name,) for name in get_command(app).list_commands(None))])  # type: ignore[arg-type,attr-defined]
def test_every_command_explains_itself_and_its_options(words: tuple[str, ...]) -> None:
    """`--help` is what a newcomer has."""
    shown = _help(*words)
    command = get_command(app)
    for word in words:
        command = command.get_command(None, word)  # type: ignore[arg-type,attr-defined]
    assert (command.help or "").strip(), "it has no help"
    assert (command.help or "").split()[0] in shown
    for parameter in command.params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert option in shown, option
        assert getattr(parameter, "help", "") or parameter.name == "help", f"{parameter.name} has no help"


def test_the_commands_are_those_that_are_promised() -> None:
    """Others rely on these names."""
    promised = {
        "up",
        "migrate",
        "relay",
        "gateway",
        "maintain",
        "simulate",
        "replay",
        "token",
        "tail",
        "doctor",
        "settings",
    }
    assert promised <= set(get_command(app).list_commands(None))  # type: ignore[arg-type,attr-defined]


def test_every_exception_to_the_linters_rules_has_its_reason() -> None:
    """A rule that is switched off without a word stays off for ever."""
    lines = read("pyproject.toml").splitlines()
    rule = re.compile(r'^    "[A-Z]+[0-9]*",')
    silent = [line for line in lines if rule.match(line) and "#" not in line]
    assert not silent


def _pure_modules() -> set[str]:
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    return next(set(contract["source_modules"]) for contract in contracts if contract["type"] == "forbidden")


def _help(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "floorcast", *words, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "TERM": "dumb", "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
    )
    return done.stdout
