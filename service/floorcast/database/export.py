"""Our migrations as files for another tool: the Supabase CLI's layout, `<timestamp>_<name>.sql`, rollbacks left out.

Each file is one transaction, as that tool runs it, with the settings that our own runner makes. It writes our ledger
too, so that `floorcast migrate status` knows such a database, and `up` and `down` go on from there.

Timestamps say the order and nothing else. They count from the same day wherever and whenever files are exported, so
that a version has one name; an exported file may have been applied, so it is never written again.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from floorcast.database.behaviour import read_behaviour
from floorcast.database.exclusive import LOCK_KEY, STATEMENTS
from floorcast.database.ledger import migration_file, moves_rows, read_folder
from floorcast.database.migrate import Patience
from floorcast.database.queries import load_queries
from floorcast.database.sources import Sources, find_sources

_PARTS = {name: text.decode() for name, text in load_queries("export.sql").items()}
_BEGINNING = datetime(2026, 1, 1)  # noqa: DTZ001 — part of a name, not a time
_PATIENCE = Patience()
_SQL_BODY = re.compile(r"\batomic\b", re.IGNORECASE)
_TIMESTAMP = "%Y%m%d%H%M%S"
_TRIGGERS = "_floorcast_triggers.sql"
_HEADING = """\
-- Written by `floorcast migrate export` from {origin}. Not to be edited: the next export would not know it.
-- To be applied by the owner of the database in one transaction, as the Supabase CLI does.

"""


@dataclass(frozen=True, slots=True)
class Export:
    """What an export did; names of files, in the order in which they are to be applied."""

    written: tuple[str, ...]
    # Were there already, and were left as they are.
    kept: tuple[str, ...]


def export(folder: Path, sources: Sources | None = None) -> Export:
    """Write what `folder` does not have yet; create it if need be.

    The files of triggers/ are the last step. When they, or the migrations before them, are not those that were
    exported last, they are written once more, as a further step.
    """
    sources = sources if sources is not None else find_sources()
    folder.mkdir(parents=True, exist_ok=True)
    steps = {_name(_BEGINNING, "ledger"): _ledger()}
    newest = _BEGINNING
    for migration in read_folder(sources.schema):
        # An hour each: between two there is room for versions of triggers/.
        newest = _BEGINNING + timedelta(hours=int(migration.id[:4]))
        text = migration_file(migration).read_text(encoding="utf-8")
        record = _fill("record_migration", hash=migration.hash, id=migration.id)
        begin = _begin(origin=f"schema/{migration.id}.sql", hurried=not moves_rows(migration))
        steps[_name(newest, migration.id)] = f"{begin}\n\n{_in_one_piece(text)}\n\n{record}\n"
    triggers = _behaviour(sources.triggers)
    steps[_name_of_triggers(folder, triggers, newest)] = triggers
    written = tuple(name for name in sorted(steps) if not (folder / name).exists())
    for name in written:
        (folder / name).write_text(steps[name], encoding="utf-8")
    return Export(written, tuple(name for name in sorted(steps) if name not in written))


def _name_of_triggers(folder: Path, text: str, newest: datetime) -> str:
    """The step that was exported last, if it is this one and nothing came after it; else a new one behind all."""
    exported = sorted(path.name for path in folder.glob(f"*{_TRIGGERS}"))
    if not exported:
        return _name(newest + timedelta(seconds=1), "triggers")
    last = datetime.strptime(exported[-1].removesuffix(_TRIGGERS), _TIMESTAMP)  # noqa: DTZ007 — as _BEGINNING
    if last > newest and (folder / exported[-1]).read_text(encoding="utf-8") == text:
        return exported[-1]
    return _name(max(newest, last) + timedelta(seconds=1), "triggers")


def _ledger() -> str:
    parts = [_begin(origin="its own memory"), STATEMENTS["create_ledger"].decode(), _PARTS["ledger"]]
    return "\n\n".join(parts) + "\n"


def _behaviour(triggers: Path) -> str:
    objects = STATEMENTS["objects"].decode().rstrip().removesuffix(";")
    parts = [
        _begin(origin="triggers/", check_bodies=False),
        f"create temporary view floorcast_objects as\n{objects};",
        _PARTS["begin_behaviour"],
    ]
    for file in read_behaviour(triggers):
        note = f"select pg_temp.floorcast_note({_literal(file.path)}, {_literal(file.checksum)});"
        parts.append(f"-- triggers/{file.path}\n{_in_one_piece(file.text)}\n{note}")
    return "\n\n".join([*parts, _PARTS["end_behaviour"]]) + "\n"


def _begin(*, origin: str, hurried: bool = True, check_bodies: bool = True) -> str:
    """What every file begins with: where it is from, and the settings of our runner."""
    return _HEADING.format(origin=origin) + _fill(
        "begin_step",
        lock_timeout=_milliseconds(_PATIENCE.table),
        statement_timeout=_milliseconds(_PATIENCE.statement) if hurried else "0",
        check_function_bodies="on" if check_bodies else "off",
        key=LOCK_KEY,
    )


def _in_one_piece(text: str) -> str:
    """A file that the Supabase CLI takes apart where its statements end.

    In a body in SQL it takes the first `end` for the last, be it that of a `case` or a part of a word, and cuts at the
    next semicolon. So a file with such a body goes as one text.
    """
    text = text.strip()
    if not _SQL_BODY.search(text):
        return text
    return f"do $floorcast$ begin execute $file$\n{text}\n$file$; end $floorcast$;"


def _name(at: datetime, words: str) -> str:
    return f"{at:{_TIMESTAMP}}_floorcast_{words}.sql"


def _fill(part: str, **values: str | int) -> str:
    """A part of export.sql with literals in its places."""
    text = _PARTS[part]
    for name, value in values.items():
        text = text.replace(f"%({name})s", _literal(value) if isinstance(value, str) else str(value))
    return text


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
