"""Checks every model of README.md, and that each sabotage there is found; run as `python3 models/check.py [WORDS]`.

A row of its tables is a run: the model and what is defined for it, what that means, and what the checker has to say.
With words, only the rows that have them all.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
FINE = "nothing"
_ROW = re.compile(r"^\| `([a-z]+)((?: [A-Z_]+(?:=[0-9]+)?)*)` \|(.*)\| (?:`([a-z_]+)`|(nothing)) \|$")
_AT_ONCE = min(2, os.cpu_count() or 1)
_DEPTH = 2_000_000


@dataclass(frozen=True)
class Run:
    """One row: a model under some definitions, and what is expected of it."""

    model: str
    defines: tuple[str, ...]
    # The condition that does not hold, or `nothing`.
    expected: str

    @property
    def title(self) -> str:
        """How it is named in the table."""
        return " ".join((self.model, *self.defines))


@dataclass(frozen=True)
class Verdict:
    """What came of a run."""

    run: Run
    found: str
    states: int
    seconds: float
    # Statements that no order of events came to, as the checker prints them.
    unreached: frozenset[str]
    # What to show when it is not as expected.
    report: str

    @property
    def as_expected(self) -> bool:
        """Whether the checker said what the table says."""
        return self.found == self.run.expected


def main(words: Iterable[str]) -> None:
    """Check what was asked for, and exit with 1 unless all is as the tables say."""
    if not (shutil.which("spin") and shutil.which("gcc")):
        if os.environ.get("FLOORCAST_NO_SKIPS") == "1":
            sys.exit("models: there is no spin or no gcc here, and FLOORCAST_NO_SKIPS=1 forbids to leave them out")
        print("models: SKIPPED, there is no spin or no gcc here")
        return
    runs = [run for run in read_table() if all(word in run.title.split() for word in words)]
    if not runs:
        sys.exit(f"models: no row of README.md has all of {' '.join(words)}")
    began = time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        verdicts = list(pool.map(_check_and_tell, runs))
    wrong = [verdict for verdict in verdicts if not verdict.as_expected]
    for verdict in wrong:
        print(f"\n{verdict.run.title}: expected {verdict.run.expected}, found {verdict.found}\n{verdict.report}")
    unreached = () if wrong or words else never_reached(verdicts)
    for statement in unreached:
        print(f"models: no run comes to {statement}")
    print(f"models: {len(verdicts)} runs in {time.monotonic() - began:.0f} s, {len(wrong)} not as expected")
    sys.exit(1 if wrong or unreached else 0)


def read_table() -> list[Run]:
    """Return every row of the tables; raises ValueError for one that cannot be read."""
    runs = []
    for line in (HERE / "README.md").read_text().splitlines():
        if line.startswith(tuple(f"| `{model.stem}" for model in HERE.glob("*.pml"))):
            row = _ROW.match(line)
            if row is None:
                raise ValueError(f"models/README.md has a row that is no run: {line}")
            runs.append(Run(row[1], tuple(row[2].split()), row[4] or row[5]))
    return runs


def never_reached(verdicts: Iterable[Verdict]) -> list[str]:
    """Return the statements that no run comes to where nothing is found: a model that stands still would prove all."""
    by_model: dict[str, frozenset[str]] = {}
    for verdict in verdicts:
        if verdict.run.expected == FINE:
            model = verdict.run.model
            by_model[model] = by_model.get(model, verdict.unreached) & verdict.unreached
    return sorted(f"{model}: {statement}" for model, found in by_model.items() for statement in found)


def check(run: Run) -> Verdict:
    """Write, compile and run the checker of one row."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="floorcast-models-") as folder:
        place = Path(folder)
        shutil.copytree(HERE, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "*.sh", "*.md"))
        defines = [f"-D{name}" for name in run.defines]
        model = f"{run.model}.pml"
        _do(place, "spin", *defines, "-a", model)
        # A sabotage is found after a moment, so its checker need not be fast.
        _do(place, "gcc", "-w", "-O2" if run.expected == FINE else "-O0", "-DSAFETY", "-DNOFAIR", "-o", "pan", "pan.c")
        said = _do(place, "./pan", f"-m{_DEPTH}")
        report = said
        if (place / f"{model}.trail").exists():
            steps = _do(place, "spin", *defines, "-t", "-p", "-g", model, check=False)
            report = "\n".join(steps.splitlines()[-200:])
    states = re.search(r"(\d+) states, stored", said)
    return Verdict(
        run,
        _found(said),
        int(states[1]) if states else 0,
        time.monotonic() - began,
        _unreached(said),
        report,
    )


def _check_and_tell(run: Run) -> Verdict:
    verdict = check(run)
    mark = "ok  " if verdict.as_expected else "FAIL"
    print(f"{mark} {run.title:55} {verdict.found:14} {verdict.states:>9,} states {verdict.seconds:5.1f} s", flush=True)
    return verdict


def _found(said: str) -> str:
    violated = re.search(r"assertion violated +\(?([a-z_]+)\)? \(at depth", said)
    if violated is not None:
        return violated[1]
    whole = "errors: 0" in said and "max search depth too small" not in said and "out of memory" not in said
    return FINE if whole else "no end"


def _unreached(said: str) -> frozenset[str]:
    """Read `file:line, "statement"` of every statement that was not reached; without the number of its state."""
    found = re.findall(r'^\t(\S+:\d+), state \d+, "(.*)"$', said, re.MULTILINE)
    return frozenset(f"{place} {statement}" for place, statement in found if statement != "-end-")


def _do(folder: Path, *command: str, check: bool = True) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    if check and done.returncode != 0:
        raise SystemExit(f"models: {' '.join(command)} failed\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
