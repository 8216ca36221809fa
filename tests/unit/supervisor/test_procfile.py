"""Which processes `floorcast up` runs."""

from pathlib import Path

import pytest

from floorcast.errors import SettingsError
from floorcast.supervisor.procfile import Program, as_words, find_procfile, read_procfile


def write(folder: Path, text: str) -> Path:
    """A Procfile in ``folder``."""
    path = folder / "Procfile"
    path.write_text(text)
    return path


def test_programs_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    """The release process is first because it is written first."""
    path = write(tmp_path, "release: floorcast migrate up\nrelay: floorcast relay\n")
    assert read_procfile(path, {}) == (
        Program("release", ("floorcast", "migrate", "up")),
        Program("relay", ("floorcast", "relay")),
    )


def test_a_counted_program_is_numbered_even_when_there_is_one(tmp_path: Path) -> None:
    """So that its lines keep their name when a second one is added."""
    path = write(tmp_path, "gateway: floorcast gateway\n")
    assert [program.name for program in read_procfile(path, {"gateway": 1})] == ["gateway.1"]
    assert [program.name for program in read_procfile(path, {"gateway": 2})] == ["gateway.1", "gateway.2"]


@pytest.mark.parametrize("command", ["floorcast gateway --port $PORT", "a && b", "a 'b c'", "A=1 b", "a | b"])
def test_what_only_a_shell_understands_goes_to_a_shell(command: str) -> None:
    """Variables, lists, quotes, assignments and pipes."""
    assert as_words(command) == ("/bin/sh", "-c", command)


def test_a_plain_command_has_no_shell_in_between() -> None:
    """A signal to it must reach it, not its shell."""
    assert as_words("/usr/bin/env python3 -m floorcast") == ("/usr/bin/env", "python3", "-m", "floorcast")


def test_the_procfile_of_another_application_is_not_ours(tmp_path: Path) -> None:
    """Running `floorcast up` in that application's folder must not start it."""
    write(tmp_path, "web: npm start\n")
    assert find_procfile(tmp_path).parent != tmp_path


def test_a_procfile_here_with_a_gateway_is_the_one(tmp_path: Path) -> None:
    """An operator's own choice of processes."""
    path = write(tmp_path, "gateway: floorcast gateway\n")
    assert find_procfile(tmp_path) == path


def test_the_installation_brings_one(tmp_path: Path) -> None:
    """`floorcast up` works in any folder."""
    names = [program.name for program in read_procfile(find_procfile(tmp_path), {})]
    assert names == ["release", "relay", "gateway", "maintain"]


@pytest.mark.parametrize(("text", "why"), [("", "names no process"), ("a: b\na: c\n", "unique")])
def test_a_procfile_that_cannot_be_used_is_told_why(tmp_path: Path, text: str, why: str) -> None:
    """Empty, or with two processes of one name."""
    with pytest.raises(SettingsError, match=why):
        read_procfile(write(tmp_path, text), {})
