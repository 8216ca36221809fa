"""README.md, ARCHITECTURE.md and their kin name only what exists, and do not contradict each other."""

import re
from pathlib import Path

import pytest
from tests.contract.documents import ROOT, read, table_after

DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "schema/*.md", "triggers/*.md", "tests/*.md")
    for path in ROOT.glob(pattern)
)

# A path in a document is meant from the root, from the document's folder, or, within the package, from there.
PLACES = ("", "service/floorcast", "triggers")
_QUOTED = re.compile(r"`([\w.\-/*]+(?:\.(?:py|sql|lua|md|toml|js|css|html|sh|ini)|/))`")
_LINKED = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def exists(path: str, document: Path) -> bool:
    """Whether something of that name, or a file that a pattern with `*` means, is in the repository."""
    folders = [ROOT / place for place in PLACES] + [document.parent, *_package_folders()]
    return any(any(folder.glob(path)) if "*" in path else (folder / path).exists() for folder in folders)


def _package_folders() -> list[Path]:
    """Folders whose files are named without them in the code map's rows."""
    return [path for path in (ROOT / "service" / "floorcast").iterdir() if path.is_dir()]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_names_only_what_exists(name: str) -> None:
    """A path that leads nowhere costs its reader more than no path."""
    text, document = read(name), ROOT / name
    # NNNN stands for a number in the name of a migration to be written.
    named = {path for path in _QUOTED.findall(text) if not path.startswith(("/", "NNNN"))}
    linked = {path for path, _ in _LINKED.findall(text)}
    missing = sorted(path for path in named if not exists(path, document))
    missing += sorted(path for path in linked if not (document.parent / path).exists())
    assert not missing


def test_architecture_names_files_in_full_where_it_sends_somebody() -> None:
    """In the tables that are for finding, a path can be pasted into an editor."""
    for heading in ("## Follow one change", "## When something fails", "## Question → file"):
        for row in table_after(read("ARCHITECTURE.md"), heading):
            for path in _QUOTED.findall(" ".join(row)):
                assert (ROOT / path).exists(), path


def test_each_step_of_a_change_is_in_another_file() -> None:
    """One reads on and never goes back."""
    files = [
        path for row in table_after(read("ARCHITECTURE.md"), "## Follow one change") for path in _QUOTED.findall(row[1])
    ]
    assert len(files) == len(set(files))


def test_readme_and_architecture_promise_the_same() -> None:
    """What holds today is said in both places, in the same words."""
    promises = table_after(read("README.md"), "## What it promises")
    assert promises == table_after(read("ARCHITECTURE.md"), "## What it promises")
    assert len(promises) == 10
    for promise, _, today, proofs in promises:
        assert today.startswith("Holds"), promise
        assert _QUOTED.findall(proofs), promise


def test_the_changelog_names_the_version_of_the_package() -> None:
    """Either as released or as what comes next."""
    version = re.search(r'^version = "(.+)"$', read("pyproject.toml"), re.MULTILINE)
    assert version is not None
    assert version[1] in read("CHANGELOG.md")


def test_the_list_of_documents_has_every_one() -> None:
    """A page that nothing leads to is not read."""
    listed = {(ROOT / "docs" / path).resolve() for path, _ in _LINKED.findall(read("docs/README.md"))}
    assert {ROOT / name for name in DOCUMENTS} - {ROOT / "CHANGELOG.md", ROOT / "docs" / "README.md"} == listed
