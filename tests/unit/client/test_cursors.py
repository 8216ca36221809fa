"""Where cursors are kept: what was saved comes back, for whom it was saved, whole."""

import asyncio
import json
from pathlib import Path

import pytest

from floorcast.client import CursorStore, FileCursor, MemoryCursor


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> CursorStore:
    """Each of the two."""
    return MemoryCursor() if request.param == "memory" else FileCursor(tmp_path / "cursor")


async def test_what_was_saved_last_comes_back(store: CursorStore) -> None:
    """Until it is forgotten."""
    assert await store.load("view") is None
    await store.save("view", "f1.a")
    await store.save("view", "f1.b")
    assert await store.load("view") == "f1.b"
    await store.forget("view")
    await store.forget("view")
    assert await store.load("view") is None


async def test_a_cursor_is_given_out_only_for_what_it_was_saved_for(store: CursorStore) -> None:
    """The server would refuse it again and again."""
    await store.save("view", "f1.a")
    assert await store.load("another view") is None
    await store.save("another view", "f1.b")
    assert await store.load("view") is None


def test_a_file_survives_the_process(tmp_path: Path) -> None:
    """And nothing but the file is left behind."""
    asyncio.run(FileCursor(tmp_path / "cursor").save("view", "f1.a"))
    assert asyncio.run(FileCursor(tmp_path / "cursor").load("view")) == "f1.a"
    assert list(tmp_path.glob("**/*")) == [tmp_path / "cursor"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"binding": "view"}', '{"binding": "view", "cursor": 5}', "\xff"]
)
async def test_a_file_with_something_else_counts_as_empty(tmp_path: Path, content: str) -> None:
    """It is replaced by the next save."""
    path = tmp_path / "cursor"
    path.write_text(content, encoding="latin-1")
    assert await FileCursor(path).load("view") is None
    await FileCursor(path).save("view", "f1.a")
    assert json.loads(path.read_text())["cursor"] == "f1.a"


async def test_a_folder_that_is_not_there_is_said_at_the_beginning(tmp_path: Path) -> None:
    """Not after the first tick was processed."""
    with pytest.raises(FileNotFoundError, match="no folder"):
        await FileCursor(tmp_path / "missing" / "cursor").load("view")


async def test_a_write_that_fails_leaves_the_older_cursor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At any moment one of the two is there whole."""
    store = FileCursor(tmp_path / "cursor")
    await store.save("view", "f1.a")

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        await store.save("view", "f1.b")
    assert await store.load("view") == "f1.a"
