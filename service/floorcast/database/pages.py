"""A picture's rows while they wait to be sent: in memory as far as there is room, beyond that in a temporary file.

The file has no name, so it goes with the process, however that ends. Nothing here waits; only `write_out` may take as
long as a disk does, and is for a thread of its own.
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from floorcast.errors import PicturesBusy, PictureTooLarge

PAGE_BYTES = 16_384
"""Rows are kept in pages of about so much; a row that is larger has a page of its own."""

MOST_FILES = 128
"""So many pictures may have a file at a time: a process that has no file left can take no sockets either."""

_WRITE_BYTES = 524_288
"""So much is collected before it goes to the file."""


class Room:
    """What all pictures of a process may hold together."""

    def __init__(self, total_bytes: int, memory_bytes: int) -> None:
        """Begin with nothing held; `memory_bytes` of the total may be in memory."""
        self.total_bytes = total_bytes
        self.memory_bytes = memory_bytes
        # Bytes held now.
        self.held = 0
        self.in_memory = 0
        self.files = 0

    def take(self, size: int) -> None:
        """Hold so many bytes more.

        Raises:
            PicturesBusy: there is not so much left.
        """
        if self.held + size > self.total_bytes:
            raise PicturesBusy("The pictures that are being sent take all the room there is; ask again in a moment.")
        self.held += size

    def take_memory(self, size: int) -> bool:
        """Hold so many of the taken bytes in memory, if there is room."""
        if self.in_memory + size > self.memory_bytes:
            return False
        self.in_memory += size
        return True

    def take_file(self) -> None:
        """Have one file more; raises as `take`."""
        if self.files >= MOST_FILES:
            raise PicturesBusy("As many pictures wait in files as may; ask again in a moment.")
        self.files += 1

    def give_file(self) -> None:
        """Have one file less."""
        self.files -= 1

    def give(self, size: int, in_memory: int) -> None:
        """Hold so much less."""
        self.held -= size
        self.in_memory -= in_memory


@dataclass(slots=True)
class _Page:
    table: str
    size: int
    # None when it is in the file, at `offset`.
    rows: bytes | None
    offset: int = -1


class Pages:
    """Rows of one picture, table by table; written once, read by several at once, each from the beginning."""

    def __init__(self, room: Room, most_bytes: int) -> None:
        """Begin with no rows; `most_bytes` is how many there may ever be."""
        self._room = room
        self._most_bytes = most_bytes
        self._pages: list[_Page] = []
        # Rows of the page that is being filled.
        self._table = ""
        self._rows: list[bytes] = []
        self._filled = 0
        # Pages that go to the file.
        self._pending: list[_Page] = []
        self._pending_bytes = 0
        self._file: BinaryIO | None = None
        self._end = 0
        self._in_memory = 0
        # Who still reads.
        self._holders = 1
        self.size = 0

    @property
    def wants_writing(self) -> bool:
        """Whether enough is collected for `write_out`."""
        return self._pending_bytes >= _WRITE_BYTES

    @property
    def has_unwritten(self) -> bool:
        """Whether anything is left for `write_out`."""
        return bool(self._pending)

    @property
    def is_freed(self) -> bool:
        """Whether nothing is held any more."""
        return self._holders == 0

    def add(self, table: str, row: bytes) -> bool:
        """Add a row of JSON; say whether that filled a page.

        Raises:
            PictureTooLarge: these are more bytes than one picture may have.
            PicturesBusy: all pictures together hold as much as they may.
        """
        filled = False
        if table != self._table or self._filled + len(row) > PAGE_BYTES:
            filled = self.end_page()
            self._table = table
        self._rows.append(row)
        self._filled += len(row) + 1
        return filled

    def end_page(self) -> bool:
        """Close the page that is being filled; say whether there was one. Raises as `add`."""
        if not self._rows:
            return False
        rows = b",".join(self._rows)
        self._rows.clear()
        self._filled = 0
        if self.size + len(rows) > self._most_bytes:
            raise PictureTooLarge(f"The picture has more than the {self._most_bytes:,} bytes that are read at once.")
        self._room.take(len(rows))
        self.size += len(rows)
        page = _Page(self._table, len(rows), rows)
        self._pages.append(page)
        if self._room.take_memory(len(rows)):
            self._in_memory += len(rows)
        else:
            self._pending.append(page)
            self._pending_bytes += len(rows)
        return True

    def write_out(self) -> None:
        """Put what is collected into the file; may take as long as the disk does.

        Raises:
            PicturesBusy: the folder for temporary files takes no more.
        """
        try:
            if self._file is None:
                self._file = self._open()
            for page in self._pending:
                assert page.rows is not None  # noqa: S101 — it is pending
                self._write(page.rows)
                page.offset, self._end = self._end, self._end + page.size
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            raise PicturesBusy(
                f"The folder for temporary files ({tempfile.gettempdir()}) "
                f"{'is full' if full else 'cannot be written to'}: {error.strerror}."
            ) from error
        for page in self._pending:
            page.rows = None
        self._pending.clear()
        self._pending_bytes = 0

    def hold(self) -> None:
        """Have one more reader."""
        self._check()
        self._holders += 1

    def release(self) -> None:
        """Have one reader less; the last one gives everything back."""
        self._holders -= 1
        if self.is_freed:
            self._room.give(self.size, self._in_memory)
            self._pages.clear()
            self._pending.clear()
            if self._file is not None:
                self._file.close()
                self._file = None
                self._room.give_file()

    def chunks(self, most_bytes: int) -> Iterator[tuple[str, bytes]]:
        """Yield (table, `row,row,row`) in order: as many whole pages as fit into `most_bytes`, and at least one.

        Raises:
            PicturesBusy: the temporary file cannot be read.
        """
        self._check()
        found: list[_Page] = []
        size = 0
        # Nothing is added once it is read.
        for page in tuple(self._pages):
            if found and (page.table != found[0].table or size + 1 + page.size > most_bytes):
                yield found[0].table, self._read(found)
                found, size = [], 0
            found.append(page)
            size += page.size + bool(size)
        if found:
            yield found[0].table, self._read(found)

    def _open(self) -> BinaryIO:
        self._room.take_file()
        try:
            # Unlinked from its first moment; unbuffered, since what is written is large.
            return tempfile.TemporaryFile(buffering=0)
        except OSError:
            self._room.give_file()
            raise

    def _check(self) -> None:
        if self.is_freed:
            raise ValueError("these pages were given up")

    def _write(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 — opened by the caller
        rest = memoryview(data)
        at = self._end
        while rest:
            written = os.pwrite(self._file.fileno(), rest, at)
            rest, at = rest[written:], at + written

    def _read(self, pages: list[_Page]) -> bytes:
        self._check()
        return b",".join([self._read_page(page) for page in pages])

    def _read_page(self, page: _Page) -> bytes:
        if page.rows is not None:
            return page.rows
        assert self._file is not None  # noqa: S101 — the page is in it
        try:
            rows = os.pread(self._file.fileno(), page.size, page.offset)
        except OSError as error:
            raise PicturesBusy(f"A temporary file cannot be read: {error.strerror}.") from error
        if len(rows) != page.size:
            raise PicturesBusy("A temporary file is shorter than what was written to it.")
        return rows
