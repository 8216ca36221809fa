"""Read a `.sql` file of named statements, so that SQL stays in files that SQL tools can read."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def read_statements(path: Path) -> Mapping[str, bytes]:
    """What follows each `-- name: word` line up to the next, by that word.

    Anything before the first is for readers. Bytes, because psycopg takes bytes as they are, where it expects
    text to be a literal.
    """
    parts = _NAME.split(path.read_text(encoding="utf-8"))[1:]
    return MappingProxyType(
        {name: text.strip().encode() for name, text in zip(parts[::2], parts[1::2], strict=True)}
    )
