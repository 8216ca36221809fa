"""Tries SQL as everybody who could: thousands of statements, each taken back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from tests.sql.plant import ROLES, Connection
from tests.sql.world import Site, World

LETTERS = dict(zip("rtcismakv", ROLES, strict=True))
PROCESSES = {"R": "floorcast_relay", "G": "floorcast_gateway", "M": "floorcast_maintain", "V": "floorcast_viewer"}
EVERY_LETTER = [*LETTERS, *"xowdnAS", *PROCESSES]

Cells = dict[str, dict[str, str]]
"""Statements by line and column of a table of the matrix; the same shape holds what is expected and what was found."""


@dataclass(frozen=True, slots=True)
class Actor:
    """As whom statements are tried."""

    letter: str
    role: str
    person: UUID | None
    site: Site | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one statement: how many rows, or how it was refused."""

    rows: int
    code: str | None
    said: str


ATTEMPT = """
create schema trial;
grant usage on schema trial to public;
create function trial.attempt(statement text, out rows integer, out code text, out said text) language plpgsql as $$
declare
    _detail text;
    _hint text;
begin
    begin
        rows := 0;
        execute statement;
        get diagnostics rows = row_count;
        raise exception using errcode = 'TRIAL';
    exception
        when sqlstate 'TRIAL' then
            said := '';
        when others then
            get stacked diagnostics _detail = pg_exception_detail, _hint = pg_exception_hint;
            code := sqlstate;
            said := concat_ws(' / ', sqlerrm, nullif(_detail, ''), nullif(_hint, ''));
    end;
end
$$;
"""
"""Each statement in a subtransaction of its own, which is always undone: thousands of them in one round trip."""

REFUSED = {
    "42501": "no right, or a policy",
    "55000": "truncate; or rows of such a table are not retired",
    "0A000": "truncate of a table that others refer to; or of what is no table",
    "42809": "truncate of a view",
    "23001": "what is booked stays booked",
    "23503": "a parent that the writer may not see",
}
"""What a refusal may look like; anything else is a statement that would not have worked for anybody."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """The world, and sessions to try things in it. `install` comes first."""

    world: World
    owner: Connection
    service: Connection

    def install(self) -> None:
        """Make the function that tries."""
        self.owner.execute(ATTEMPT)

    def actors(self) -> Iterator[Actor]:
        """Everybody that the matrix knows; several for a letter that stands for several."""
        world = self.world
        for letter, role in LETTERS.items():
            yield Actor(letter, "authenticated", world.north.person(role), world.north)
        for letter, site in (("x", world.south), ("o", world.east)):
            for role in ROLES:
                yield Actor(letter, "authenticated", site.person(role), site)
        yield Actor("w", "authenticated", world.withdrawn, world.north)
        yield Actor("d", "authenticated", world.deactivated, world.north)
        yield Actor("n", "authenticated", None)
        yield Actor("n", "authenticated", uuid4())
        yield Actor("A", "anon", world.north.person("admin"))
        yield Actor("S", "service_role", None)
        for letter, role in PROCESSES.items():
            yield Actor(letter, role, None)

    @contextmanager
    def acting(self, actor: Actor) -> Iterator[Connection]:
        """A session as that role, with that person's claims. Only the owner's can become floorcast_viewer."""
        session = self.owner if actor.letter == "V" else self.service
        with session.transaction(force_rollback=True):
            claims = {} if actor.person is None else {"sub": str(actor.person), "role": actor.role}
            session.execute("select set_config('request.jwt.claims', %s, true)", [json.dumps(claims)])
            session.execute(f"set local role {actor.role}".encode())
            yield session

    def attempt(self, actor: Actor, statements: list[str]) -> list[Outcome]:
        """Try each by itself."""
        with self.acting(actor) as session:
            rows = session.execute(
                "select a.* from unnest(%s::text[]) with ordinality as s (statement, n)"
                " cross join lateral trial.attempt(s.statement) as a order by s.n",
                [statements],
            ).fetchall()
        return [Outcome(**row) for row in rows]

    def fill_in(self, cells: Cells) -> Cells:
        """Who succeeds with each statement, in letters; {me…} in one is the actor's own."""
        places = [(line, verb) for line, verbs in cells.items() for verb in verbs]
        succeeded: dict[tuple[str, str], dict[str, list[bool]]] = {place: {} for place in places}
        for actor in self.actors():
            own = actor.site.keys["warehouses"] if actor.site else str(uuid4())
            statements = [
                cells[line][verb].replace("{me}", str(actor.person or uuid4())).replace("{my warehouse}", own)
                for line, verb in places
            ]
            for place, statement, outcome in zip(places, statements, self.attempt(actor, statements), strict=True):
                assert outcome.code is None or outcome.code in REFUSED, f"{actor}: {statement}\n{outcome}"
                succeeded[place].setdefault(actor.letter, []).append(outcome.code is None and outcome.rows > 0)
        found: Cells = {line: {} for line in cells}
        for (line, verb), by_letter in succeeded.items():
            found[line][verb] = "".join(
                letter if all(by_letter[letter]) else f"{letter}?" for letter in EVERY_LETTER if any(by_letter[letter])
            )
        return found
