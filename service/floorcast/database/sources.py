"""Where the SQL is: `schema/` and `triggers/` of the repository, or their copies inside a wheel."""

from dataclasses import dataclass
from pathlib import Path

import floorcast
from floorcast.errors import FloorcastError


@dataclass(frozen=True, slots=True)
class Sources:
    """Two folders: STATE (`schema/`, run once) and BEHAVIOUR (`triggers/`, re-applied when it changes)."""

    schema: Path
    triggers: Path


def find_sources() -> Sources:
    """The SQL that belongs to this very code.

    A wheel carries it in `floorcast/sql/` (pyproject.toml, force-include); a checkout installed editable has
    it beside `service/`. The wheel's copy is looked for first: a checkout never has one.

    Raises:
        FloorcastError: neither is there, so this installation is broken.
    """
    package = Path(floorcast.__file__).resolve().parent
    for folder in (package / "sql", package.parents[1]):
        if (folder / "schema").is_dir() and (folder / "triggers").is_dir():
            return Sources(schema=folder / "schema", triggers=folder / "triggers")
    raise FloorcastError(
        f"The SQL of Floorcast is neither in {package / 'sql'} nor beside {package.parent}. No database was "
        "touched. This installation is incomplete: install the wheel again, or run from a checkout (pip "
        "install -e .)."
    )
