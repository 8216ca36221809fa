"""Applies one sabotage at a time to a copy of the tree and runs its tests there: `make mutants`.

Arguments choose: the name of a promise, a part of a path, or words of what a sabotage does. None: all of them.
`--list` writes the list in tests/README.md anew.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

from tests.mutants.sabotage import ROOT, Sabotage, listing, read_sabotages, staleness

AT_A_TIME = 2
_SECONDS, _ALL_SECONDS = 600, 3_600
"""How long the tests of one sabotage may take, and all that are named, once."""

_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".*cache*", "__pycache__", ".hypothesis", "node_modules")
# Not copied, but there: a test that is skipped catches nothing.
_PACKAGES = ROOT / "tests" / "js" / "node_modules"
_FAILED = re.compile(r"^FAILED ", re.MULTILINE)
_SKIPPED = re.compile(r"^SKIPPED .*$", re.MULTILINE)
_LIST = re.compile(r"(?<=<!-- sabotages -->\n).*(?=<!-- /sabotages -->)", re.DOTALL)

Outcome = Literal["caught", "NOT CAUGHT", "SKIPPED", "STALE", "BROKEN"]
"""Skipped: tests that might have noticed did not run. Broken: they did not get as far as to fail."""


def run_tests(tree: Path, tests: Sequence[str], seconds: float = _SECONDS) -> tuple[int, str]:
    """Run tests in a tree; returns pytest's exit code and what it said."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--timeout=90", *tests]
    environment = os.environ | {"PYTHONPATH": str(tree / "service")}
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return -1, f"nothing was said within {seconds} s"
    return done.returncode, done.stdout + done.stderr


def judge(sabotage: Sabotage, tree: Path) -> tuple[Outcome, str]:
    """Apply a sabotage to a tree, run its tests, and take it back; returns what came of it and what was said."""
    stale = staleness(sabotage, tree)
    if stale is not None:
        return "STALE", stale
    path = tree / sabotage.file
    whole = path.read_text()
    try:
        path.write_text(sabotage.applied_to(whole))
        code, said = run_tests(tree, sabotage.tests)
    finally:
        path.write_text(whole)
    if code == 0:
        skipped = _SKIPPED.findall(said)
        return ("SKIPPED", "\n".join(skipped)) if skipped else ("NOT CAUGHT", "")
    return ("caught", "") if code == 1 and _FAILED.search(said) else ("BROKEN", said[-2000:])


def chosen(sabotages: Sequence[Sabotage], words: Sequence[str]) -> list[Sabotage]:
    """Return those that any of the words is about."""
    return [
        each
        for each in sabotages
        if not words or any(word == each.promise or word in each.file or word in each.does for word in words)
    ]


def main(words: Sequence[str]) -> int:
    """Judge the chosen ones; returns the exit code: 0 when each was caught."""
    sabotages = read_sabotages()
    if "--list" in words:
        readme = ROOT / "tests" / "README.md"
        readme.write_text(_LIST.sub(lambda _: listing(sabotages), readme.read_text()))
        return 0
    sabotages = chosen(sabotages, words)
    if not sabotages:
        print("no sabotage is about that")
        return 2
    with tempfile.TemporaryDirectory(prefix="floorcast-mutants-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_A_TIME):
            tree = Path(folder, str(number))
            shutil.copytree(ROOT, tree, ignore=_LEFT_OUT, symlinks=True)
            if _PACKAGES.exists():
                tree.joinpath(_PACKAGES.relative_to(ROOT)).symlink_to(_PACKAGES)
            trees.put(tree)
        # Tests that fail anyway would catch everything.
        code, said = run_tests(tree, sorted({test for each in sabotages for test in each.tests}), _ALL_SECONDS)
        if code != 0:
            print(said[-4000:], "The tests fail on the code as it is.", sep="\n")
            return 2

        def judge_somewhere(sabotage: Sabotage) -> tuple[Sabotage, Outcome, str]:
            tree = trees.get()
            try:
                return sabotage, *judge(sabotage, tree)
            finally:
                trees.put(tree)

        outcomes: list[Outcome] = []
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            for sabotage, outcome, said in pool.map(judge_somewhere, sabotages):
                outcomes.append(outcome)
                print(f"{outcome:10}  {sabotage.promise:10}  {sabotage.does}  ({sabotage.file})", flush=True)
                if said:
                    print(said)
    print(", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in sorted(set(outcomes))))
    return 0 if set(outcomes) == {"caught"} else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
