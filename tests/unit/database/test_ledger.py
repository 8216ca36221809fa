"""The migrations of a folder, and what each of them waits for."""

from pathlib import Path

import pytest
from yoyo.exceptions import BadMigration
from yoyo.migrations import topological_sort

from floorcast.database.ledger import migration_names, read_folder


def write(folder: Path, **texts: str) -> None:
    """Have files of that name, without their ending, in a folder."""
    for name, text in texts.items():
        folder.joinpath(f"{name.lstrip('_')}.sql").write_text(text)


def test_migrations_are_the_numbered_files_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """Rollbacks and the snapshot lie beside them."""
    write(tmp_path, _0002_b="select 2;", _0001_a="select 1;", snapshot="select 0;")
    tmp_path.joinpath("0001_a.rollback.sql").write_text("select -1;")
    assert migration_names(tmp_path) == ("0001_a", "0002_b")


def test_what_one_depends_on_comes_before_it_whatever_the_numbers_say(tmp_path: Path) -> None:
    """Said in the comments on top, not in those between statements."""
    write(
        tmp_path,
        _0001_a="-- About it.\n-- depends: 0003_c\n\nselect 1;\n-- depends: 0004_d\nselect 2;",
        _0002_b="select 1;\n-- depends: 0004_d\nselect 2;",
        _0003_c="select 1;",
        _0004_d="-- depends: 0001_a 0002_b\n",
    )
    ordered = [migration.id for migration in topological_sort(read_folder(tmp_path))]
    assert ordered.index("0003_c") < ordered.index("0001_a") < ordered.index("0004_d")
    assert ordered.index("0002_b") < ordered.index("0004_d")


def test_a_migration_that_depends_on_nothing_there_is_refused(tmp_path: Path) -> None:
    """It would be run too early for ever."""
    write(tmp_path, _0001_a="-- depends: 0009_lost\nselect 1;")
    with pytest.raises(BadMigration, match="0009_lost"):
        topological_sort(read_folder(tmp_path))
