# ruff: noqa: INP001, S603 -- a script beside the package; it runs pip on purpose
"""Make .venv hold what `make run` or `make test` needs; run as `python3 .ci/set_up.py run|dev`.

Does nothing, and needs no network, when that is done already for these dependencies. Reads the dependency groups
itself: pip learnt `--group` only in 25.1.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def main(purpose: str) -> None:
    """Install for ``purpose``; what is installed for development is enough to run as well."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(
            f"Floorcast needs Python 3.11 or newer, and {sys.executable} is {sys.version.split()[0]}. "
            "Name another: make PYTHON=python3.12 …"
        )
    import tomllib  # noqa: PLC0415 -- an older Python has none, and should be told so in the sentence above

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {key: project[key] for key in ("build-system", "project", "dependency-groups")}
    # Where the folder is moved to, its editable install points to nothing: the place is part of the state.
    state = hashlib.sha256(json.dumps([wanted, str(ROOT)]).encode()).hexdigest()
    stamps = {name: VENV / f".floorcast-{name}" for name in ("run", "dev")}
    if works() and any(is_current(stamps[name], state) for name in {purpose, "dev"}):
        return
    groups = project["dependency-groups"]["dev"] if purpose == "dev" else []
    install(groups)
    stamps[purpose].write_text(state)


def works() -> bool:
    """Whether there is a virtualenv whose Python still exists."""
    try:
        return subprocess.run([PYTHON, "-c", "import pip"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def is_current(stamp: Path, state: str) -> bool:
    """Whether a set-up for this state was completed."""
    return stamp.exists() and stamp.read_text() == state


def install(further: list[str]) -> None:
    """Create the virtualenv if need be and install this project in it, editable, with ``further`` packages."""
    if not works():
        say("creating .venv")
        if subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False).returncode != 0:
            sys.exit(
                f"{sys.executable} could not make a virtualenv in {VENV}; nothing else was touched. "
                "On Debian and Ubuntu its module is a package of its own: apt-get install python3-venv"
            )
    say("installing dependencies, once; this needs the network")
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*command, "--editable", f"{ROOT}[embedded]", *further], check=False).returncode != 0:
        sys.exit("pip could not install the dependencies (see above). Run the same command again to go on.")


def say(text: str) -> None:
    """Tell what takes time."""
    print(f"set-up: {text}", file=sys.stderr, flush=True)  # noqa: T201 -- it talks to a person


if __name__ == "__main__":
    main(sys.argv[1])
