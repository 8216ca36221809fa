"""The files of triggers/ against what a database has."""

from pathlib import Path

from floorcast.database.behaviour import BehaviourFile, RecordedFile, compare, read_behaviour, settle_ownership


def a_record(path: str, *objects: str, text: str = "") -> RecordedFile:
    """What a database remembers of a file with that text."""
    return RecordedFile(path, BehaviourFile(path, text).checksum, frozenset(objects))


def test_files_are_read_by_folder_then_by_name(tmp_path: Path) -> None:
    """Whatever order the file system has."""
    for path in ("2_b/a.sql", "1_a/z.sql", "1_a/b.sql", "1_a/README.md"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(path)
    files = read_behaviour(tmp_path)
    assert [file.path for file in files] == ["1_a/b.sql", "1_a/z.sql", "2_b/a.sql"]
    assert files[0].text == "1_a/b.sql"


def test_added_changed_and_vanished_files_are_told_apart() -> None:
    """An unchanged one is none of them."""
    files = [BehaviourFile("same", "1"), BehaviourFile("other", "new text"), BehaviourFile("fresh", "1")]
    recorded = {
        "same": a_record("same", text="1"),
        "other": a_record("other", text="old text"),
        "gone": a_record("gone"),
    }
    difference = compare(files, recorded)
    assert (difference.added, difference.changed, difference.vanished) == (("fresh",), ("other",), ("gone",))
    assert difference.needs_applying


def test_a_vanished_file_alone_leaves_nothing_to_apply() -> None:
    """Else every run would replace all functions, for ever."""
    assert not compare([], {"gone": a_record("gone")}).needs_applying


def test_what_a_vanished_file_made_stays_its_own_while_it_exists() -> None:
    """Only what no present file makes, and what was not dropped since."""
    recorded = {
        "gone": a_record("gone", "function a()", "function b()", "function c()"),
        "here": a_record("here"),
        "empty": a_record("empty", "function d()"),
    }
    owned = settle_ownership(
        {"here": frozenset({"function b()"})}, recorded, frozenset({"function a()", "function b()"})
    )
    assert owned == {"here": {"function b()"}, "gone": {"function a()"}}
