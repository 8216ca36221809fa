"""Loads the named queries of a `.sql` file, so that SQL stays where SQL tools can read it."""

import re
from collections.abc import Mapping
from importlib import resources

_NAME = re.compile(rb"^-- name: ([a-z_]+)$", re.MULTILINE)


def load_queries(file: str, package: str = "floorcast.database") -> Mapping[str, bytes]:
    """Read `-- name: <name>` sections of a file of a package; what follows a name up to the next is its query."""
    text = resources.files(package).joinpath(file).read_bytes()
    parts = _NAME.split(text)
    return {name.decode(): query.strip() for name, query in zip(parts[1::2], parts[2::2], strict=True)}
