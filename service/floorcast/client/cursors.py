"""Where a cursor is kept while its owner is away: in memory, in a file, or wherever the owner's own data is."""

import asyncio
import contextlib
import json
import os
from pathlib import Path
from typing import Protocol


class CursorStore(Protocol):
    """Keeps the cursor of one view.

    `binding` names what the cursor is for (server, warehouse, tables, filters, columns); a cursor that was saved
    under another one must not be given out, since the server would refuse it for ever.
    """

    async def load(self, binding: str) -> str | None:
        """Return what was saved last under this binding; None when that is nothing."""

    async def save(self, binding: str, cursor: str) -> None:
        """Keep a cursor instead of any earlier one, so that it survives whatever the store promises to survive."""

    async def forget(self, binding: str) -> None:
        """Keep none any more."""


class MemoryCursor:
    """Keeps a cursor in this object: for the next view in the same process."""

    def __init__(self) -> None:
        """Begin with none."""
        # Binding and cursor.
        self._kept: tuple[str, str] | None = None

    async def load(self, binding: str) -> str | None:
        """See CursorStore."""
        return self._kept[1] if self._kept is not None and self._kept[0] == binding else None

    async def save(self, binding: str, cursor: str) -> None:
        """See CursorStore."""
        self._kept = (binding, cursor)

    async def forget(self, binding: str) -> None:  # noqa: ARG002 — there is one
        """See CursorStore."""
        self._kept = None


class FileCursor:
    """Keeps a cursor in a file of one view's own; it survives the process, and a power cut.

    A file that holds something else, or the cursor of a view that asked for something else, counts as empty and
    is replaced.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """`path` is the file; its folder must be there."""
        self.path = Path(path)

    async def load(self, binding: str) -> str | None:
        """See CursorStore; raises OSError when the file cannot be read or its folder is not there."""
        return await asyncio.to_thread(self._load, binding)

    async def save(self, binding: str, cursor: str) -> None:
        """See CursorStore; raises OSError."""
        await asyncio.to_thread(self._save, binding, cursor)

    async def forget(self, binding: str) -> None:  # noqa: ARG002 — there is one
        """See CursorStore; raises OSError."""
        await asyncio.to_thread(self.path.unlink, missing_ok=True)

    def _load(self, binding: str) -> str | None:
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"{self.path.parent} is no folder: a cursor could not be kept there")
        with contextlib.suppress(FileNotFoundError):
            text = self.path.read_bytes()
            with contextlib.suppress(ValueError, KeyError, TypeError):
                kept = json.loads(text)
                if kept["binding"] == binding and isinstance(kept["cursor"], str):
                    return str(kept["cursor"])
        return None

    def _save(self, binding: str, cursor: str) -> None:
        # Written beside it and put in its place, so that at any moment one of the two is there whole.
        new = self.path.with_name(f".{self.path.name}.{os.getpid()}.new")
        with new.open("w") as file:
            json.dump({"binding": binding, "cursor": cursor}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
