"""What is wrong with a set-up, in sentences: facts in, findings out. Pure.

A `problem` breaks a promise, or soon will; a `risk` is something that one should know and may live with. Each says what
is so, what it means, and what to do. What follows from another problem is left out: one cause, one sentence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from floorcast.facts import DatabaseFacts, Guards, Messages, StreamFacts, TrackedTable

OLDEST_POSTGRES = 15
OLDEST_REDIS = (6, 2)
SILENT_SECONDS = 5.0
"""A leading relay gives a sign of life every second; after so many it counts as dead."""

LONG_SECONDS = 300.0
"""A transaction that is open for so long is nobody's intention."""

FULL_QUEUE = 0.5
FULL_MEMORY = 0.9


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence or a few about one cause."""

    weight: Literal["problem", "risk"]
    text: str


def diagnose(database: DatabaseFacts, stream: StreamFacts | None) -> list[Finding]:
    """Return what is wrong, problems first; nothing when all is well. `stream` None: Redis could not be asked."""
    findings = [*_server(database), *_session(database), *_schema(database), *_relay(database)]
    if stream is not None:
        findings += [*_redis(stream), *_feed(database, stream)]
    return sorted(findings, key=lambda finding: finding.weight != "problem")


def _problem(text: str) -> Finding:
    return Finding("problem", text)


def _risk(text: str) -> Finding:
    return Finding("risk", text)


def _server(facts: DatabaseFacts) -> Iterator[Finding]:
    major = facts.version // 10_000
    if major < OLDEST_POSTGRES:
        yield _problem(f"PostgreSQL {major} is too old: Floorcast needs {OLDEST_POSTGRES} or newer.")
    if facts.is_standby:
        yield _problem(
            "DATABASE_URL leads to a standby: a snapshot taken there misses running transactions, and their changes "
            "would be lost. Point it at the primary."
        )
    if facts.prepared_transactions:
        yield _problem(
            f"{facts.prepared_transactions} prepared transactions (2PC) are waiting: on tracked tables they are not "
            "supported, since the bell has rung long before they commit. Commit them or roll them back."
        )
    elif int(facts.settings.get("max_prepared_transactions", "0")) > 0:
        yield _risk(
            "max_prepared_transactions is above 0: prepared transactions (2PC) are not supported on tracked tables. "
            "Set it to 0 unless something else needs it."
        )
    if facts.settings.get("fsync") == "off" or facts.settings.get("full_page_writes") == "off":
        yield _risk("fsync or full_page_writes is off: a power cut can take committed changes, or the database.")
    if facts.settings.get("synchronous_commit") == "off":
        yield _risk(
            "synchronous_commit is off: a writer may be told of a commit that a crash then takes back. Ticks are "
            "always flushed, so what clients were shown stays."
        )
    if facts.notification_queue > FULL_QUEUE:
        yield _problem(
            f"The queue of notifications is {facts.notification_queue:.0%} full: when it is, every NOTIFY fails with "
            "its transaction. A session that LISTENs does not read: end the one whose transaction is the oldest."
        )
    if facts.longest is not None and facts.longest.seconds > LONG_SECONDS:
        yield _risk(
            f"Session {facts.longest.pid} ({facts.longest.application or 'unnamed'}, {facts.longest.state}) has had a "
            f"transaction open for {facts.longest.seconds / 60:.0f} minutes. It delays only its own changes, but keeps "
            "old rows and the trail from being cleaned up. idle_in_transaction_session_timeout ends such sessions."
        )


def _session(facts: DatabaseFacts) -> Iterator[Finding]:
    if not facts.is_direct:
        yield _problem(
            "A pooler is between us and Postgres: statements of one session reach different server processes, so locks "
            "and LISTEN do not hold. Give DATABASE_URL the direct address."
        )
    elif not facts.hears_notify:
        yield _problem(
            "A NOTIFY did not come back to the session that LISTENs: the doorbell would never be heard. Is something "
            "between us and Postgres that does not pass notifications on?"
        )
    absent = [role for role, may in facts.roles.items() if may is None]
    refused = [role for role, may in facts.roles.items() if may is False]
    if absent and facts.migrations is not None and not facts.migrations.pending:
        yield _problem(
            f"The roles {', '.join(absent)} do not exist, although the database is migrated: it was restored into "
            "another cluster. Create them with `create role … nologin noinherit`, then grant them to the login."
        )
    if refused:
        yield _problem(
            f"The login {facts.login} may not become {', '.join(refused)}. "
            f"As the owner: grant {', '.join(refused)} to {facts.login};"
        )


def _schema(facts: DatabaseFacts) -> Iterator[Finding]:
    if facts.migrations is None:
        yield _risk(
            "Whether the database is migrated could not be read with this login. Set FLOORCAST_OWNER_DATABASE_URL, "
            "or ask `floorcast migrate status`."
        )
    elif facts.migrations.unknown:
        yield _problem(
            f"The database was migrated by a newer Floorcast ({', '.join(facts.migrations.unknown)}). "
            "Run that version here too."
        )
    elif facts.migrations.pending or facts.migrations.changed:
        waiting = len(facts.migrations.pending)
        files = len(facts.migrations.changed)
        yield _problem(
            f"The database is not migrated to this version: {waiting} migrations and {files} files of triggers/ wait. "
            "Run `floorcast migrate up`."
        )
        return
    if facts.sequence_cache is not None and facts.sequence_cache != 1:
        yield _problem(
            f"The sequence floorcast.change_seq has a cache of {facts.sequence_cache}: sessions draw blocks, and "
            "effects come before their causes. As the owner: alter sequence floorcast.change_seq cache 1;"
        )
    if facts.tables is not None and not facts.tables:
        yield _problem("No table is tracked, so no change is ever seen. Run `floorcast migrate up`.")
    for table in facts.tables or ():
        yield from _table(table)
    if facts.guards is not None:
        yield from _guards(facts.guards)
    if facts.messages is not None:
        yield from _messages(facts.messages)


def _guards(guards: Guards) -> Iterator[Finding]:
    if guards.unforced:
        yield _problem(
            f"{', '.join(guards.unforced)} is under the rules of access, but row level security is off or not forced: "
            "people may be shown rows that are not theirs. Run `floorcast migrate up --reapply`."
        )
    if guards.changeable:
        yield _problem(
            f"Nothing refuses changes of {', '.join(guards.changeable)}: the trail may not be as it was written. Run "
            "`floorcast migrate up --reapply`, then `floorcast audit verify`."
        )
    if guards.unprotected:
        yield _problem(
            f"Rules of access name {', '.join(guards.unprotected)}, which is not under them: nothing keeps anybody to "
            "those rules. As the owner, call floorcast.protect() for it, or delete the rules."
        )
    if guards.open:
        yield _problem(
            f"anon has rights on {', '.join(guards.open)}: whoever has no token may try, and only row level security "
            "is in his way. Run `floorcast migrate up --reapply`."
        )


def _messages(messages: Messages) -> Iterator[Finding]:
    """Judge what is lost when somebody calls realtime.send(); a Supabase project may never do so."""
    if messages.owner is None:
        yield _risk(
            "There is no table realtime.messages, so the database can say nothing in rooms and no policy can open a "
            "private one. Where schema realtime is Supabase's, have Supabase Realtime make the table."
        )
    elif messages.trigger != "on" and messages.is_ours:
        yield _problem(
            "The trigger _500_capture_insert of realtime.messages is missing or not ENABLE ALWAYS: what the database "
            "says with realtime.send() is told to nobody. Run `floorcast migrate up --reapply`."
        )
    elif messages.trigger == "missing":
        yield _risk(
            f"realtime.messages belongs to {messages.owner} and has no trigger of ours: what the database says with "
            f"realtime.send() is told to nobody here. As {messages.owner} or a superuser: grant trigger on "
            f"realtime.messages to {messages.migrator}; then run `floorcast migrate up --reapply`."
        )
    elif messages.trigger == "off":
        yield _problem(
            "The trigger _500_capture_insert of realtime.messages is switched off: what the database says with "
            f"realtime.send() is told to nobody. As {messages.owner} or a superuser: alter table realtime.messages "
            "enable always trigger _500_capture_insert;"
        )


def _table(table: TrackedTable) -> Iterator[Finding]:
    if table.missing:
        yield _problem(
            f"{table.name} has no {', '.join(table.missing)}: those changes are not captured. As the owner, call "
            f"floorcast.track() for it again, or for the table that it is a partition of."
        )
    if table.disabled:
        yield _problem(
            f"{', '.join(table.disabled)} of {table.name} is not ENABLE ALWAYS: changes of sessions in "
            "session_replication_role = replica, or all, are not captured. As the owner, call floorcast.track() again."
        )
    if table.foreign:
        yield _risk(
            f"{table.name} has AFTER ROW triggers ({', '.join(table.foreign)}): what they change in tracked tables is "
            "captured before its cause, and screens may stay wrong. Make them BEFORE ROW for the same row, or AFTER "
            "STATEMENT with a name behind _500_ for other tables."
        )


def _relay(facts: DatabaseFacts) -> Iterator[Finding]:
    if facts.leader is None:
        return
    silent = facts.leader.silent_seconds
    if facts.leader.pid is None:
        yield _problem("No relay leads: changes are kept in Postgres and reach nobody. Run `floorcast relay`.")
    elif silent is None or silent > SILENT_SECONDS:
        since = "never gave a sign of life" if silent is None else f"has been silent for {silent:.0f} s"
        yield _problem(
            f"The leading relay (session {facts.leader.pid}) {since}. A standby would take over by itself: run a "
            "second `floorcast relay`, or restart this one."
        )


def _redis(facts: StreamFacts) -> Iterator[Finding]:
    numbers = tuple(int(part) for part in facts.version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST_REDIS:
        wanted = ".".join(map(str, OLDEST_REDIS))
        yield _problem(f"Redis {facts.version} is too old: Floorcast needs {wanted} or newer, or Valkey.")
    if facts.role != "master":
        yield _problem("REDIS_URL leads to a replica, where nothing can be published. Point it at the master.")
    if facts.policy != "noeviction":
        yield _problem(
            f"Redis has maxmemory-policy {facts.policy}: it may throw away part of a stream, which clients would then "
            "read as a gap. Set it to noeviction."
        )
    if facts.memory_limit and facts.memory_used > FULL_MEMORY * facts.memory_limit:
        yield _problem(
            f"Redis uses {facts.memory_used / facts.memory_limit:.0%} of its maxmemory: when it is full, nothing can "
            "be published. Raise maxmemory, or lower FLOORCAST_FEED_BYTES."
        )


def _feed(database: DatabaseFacts, stream: StreamFacts) -> Iterator[Finding]:
    """Judge whether Redis has what Postgres had when it was asked, a moment earlier."""
    if database.newest is None or database.leader is None or database.leader.pid is None:
        return
    if stream.newest is None:
        yield _problem("Redis holds no feed, although a relay leads. Do relay and doctor have the same REDIS_URL?")
    elif stream.newest.incarnation != database.newest.incarnation:
        yield _problem(
            "Redis holds the feed of another history of this or another database. The relay begins a new one when it "
            "notices; if this stays, two relays share one Redis: give each database its own."
        )
    elif stream.newest.tick < database.newest.tick:
        yield _problem(
            f"The feed is behind: Postgres is at tick {database.newest.tick}, Redis at {stream.newest.tick}. "
            "If this stays, see what the relay says."
        )
