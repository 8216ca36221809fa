"""What `realtime.send` and its relatives store, who may call them, and what the trail has of it."""

import json
from uuid import UUID

import psycopg
import pytest
from tests.fixtures.postgres import Database
from tests.sql.plant import Connection, acting_as, connect, value
from tests.sql.trail import NOTHING, bells, changes

MESSAGES = "realtime.messages"
LETTERS = (
    "create policy letters on realtime.messages for insert to authenticated with check (realtime.topic() = 'letters')"
)


def test_a_message_is_a_change_in_its_room(owner: Connection, listener: Connection) -> None:
    """Its payload is a text, as it is stored; the bell rings once a statement."""
    owner.execute("""select realtime.send('{"cost": 183.0500}', 'price', 'board')""")
    (change,) = changes(owner, MESSAGES)
    assert (change["op"], change["warehouse"], change["old"]) == ("insert", "channel:private:board", None)
    new = change["new"]
    assert change["key"] == {"id": new["id"]}
    assert new == {
        "id": new["id"],
        "event": "price",
        "payload": f'{{"id": "{new["id"]}", "cost": 183.0500}}',
        "binary": None,
        "extension": "broadcast",
    }
    assert bells(listener) == ["messages"]


def test_a_payload_keeps_an_id_of_its_own(owner: Connection) -> None:
    """Only what has none is given one; what is no object has no place for it."""
    owner.execute("""select realtime.send('{"id": 7}', 'e', 'board'), realtime.send('[1]', 'e', 'board', false)""")
    own, array = changes(owner, MESSAGES)
    assert own["new"]["payload"] == '{"id": 7}'
    assert (array["new"]["payload"], array["warehouse"]) == ("[1]", "channel:public:board")


def test_bytes_arrive_in_one_line(owner: Connection) -> None:
    """PostgreSQL breaks base64 into lines; a reader of JSON would have to know."""
    owner.execute("select realtime.send_binary(decode(repeat('00ff', 100), 'hex'), 'e', 'board')")
    (change,) = changes(owner, MESSAGES)
    assert change["new"]["payload"] is None
    assert change["new"]["binary"] == "AP8A/wD/" * 33 + "AP8="


def test_what_happened_to_a_row_is_told(owner: Connection) -> None:
    """A row trigger passes what it has; a row that is not there is null."""
    owner.execute(
        """
        create table public.parts (id int, at timestamptz);
        create function public.tell() returns trigger language plpgsql as $$ begin
            perform realtime.broadcast_changes('parts', tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
            return null;
        end $$;
        create trigger tell after insert or delete on public.parts for each row execute function public.tell();
        set timezone = 'Asia/Tokyo';
        insert into public.parts values (1, '2026-01-01 00:00+00');
        delete from public.parts
        """
    )
    put, gone = (json.loads(new["payload"]) for new in changes(owner, MESSAGES, "new"))
    row = {"id": 1, "at": "2026-01-01T00:00:00+00:00"}
    common = {"table": "parts", "schema": "public"}
    assert put == {"id": put["id"], "operation": "INSERT", "record": row, "old_record": None, **common}
    assert gone == {"id": gone["id"], "operation": "DELETE", "record": None, "old_record": row, **common}
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="for a statement"):
        owner.execute("select realtime.broadcast_changes('t', 'e', 'o', 't', 's', null, null, 'STATEMENT')")


@pytest.mark.parametrize(
    "call",
    [
        "send('{}', 'e', '')",
        "send('{}', 'e', null)",
        "send('{}', null, 'board')",
        "send_binary('', '', 'board')",
        "send('{}', repeat('e', 256), 'board')",
        "send('{}', 'e', repeat('ä', 128))",
        "send(to_jsonb(repeat('x', 262143)), 'e', 'board')",
        "send_binary(convert_to(repeat('x', 262145), 'utf8'), 'e', 'board')",
    ],
)
def test_what_cannot_be_told_is_refused_aloud(owner: Connection, call: str) -> None:
    """No name, too long a name, too much: an error, so that nobody believes that it was said."""
    with pytest.raises(psycopg.Error):
        owner.execute(f"select realtime.{call}".encode())
    assert changes(owner, MESSAGES) == NOTHING


def test_a_message_without_a_day_is_stored(owner: Connection) -> None:
    """The default partition takes it, and it is told as any."""
    days = owner.execute(
        "select inhrelid::regclass::text as day from pg_inherits where inhparent = %s::regclass", [MESSAGES]
    )
    for row in days.fetchall():
        if not row["day"].endswith("_default"):
            owner.execute(f"drop table {row['day']}".encode())
    owner.execute("select realtime.send('{}', 'e', 'board')")
    assert len(changes(owner, MESSAGES)) == 1
    assert value(owner, "select floorcast.extend_messages()") == 2, "today begins in the default partition"


def test_policies_say_who_sends(owner: Connection, service: Connection) -> None:
    """Nobody, until one says so; it is asked about the topic, and what was asked before is asked again afterwards."""
    person = UUID("00000000-0000-0000-0000-000000000001")
    send = "select realtime.send('{}', 'e', %s)"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, person):
        service.execute(send.encode(), ["letters"])
    owner.execute(LETTERS)
    with acting_as(service, person):
        service.execute("select set_config('realtime.topic', 'before', true)")
        service.execute(send.encode(), ["letters"])
        assert value(service, "select realtime.topic()") == "before"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, person):
        service.execute(send.encode(), ["parcels"])
    with pytest.raises(psycopg.errors.InsufficientPrivilege), acting_as(service, person, "anon"):
        service.execute(send.encode(), ["letters"])
    with acting_as(service, None, "service_role"):
        service.execute(send.encode(), ["parcels"])
    assert changes(owner, MESSAGES, "actor") == [str(person), "system:service_role"]


def test_what_is_rolled_back_was_not_said(owner: Connection) -> None:
    """To a savepoint or all of it; the rest is told in order."""
    with owner.transaction():
        owner.execute("select realtime.send('{}', 'first', 'board')")
        with pytest.raises(psycopg.errors.DivisionByZero), owner.transaction():
            owner.execute("select realtime.send('{}', 'second', 'board'); select 1 / 0")
        owner.execute("select realtime.send('{}', 'third', 'board')")
    assert [new["event"] for new in changes(owner, MESSAGES, "new")] == ["first", "third"]


def test_only_broadcasts_with_an_event_are_told(owner: Connection, listener: Connection) -> None:
    """What probes rights, and what is stored for another extension, rings for nobody."""
    owner.execute("insert into realtime.messages (topic, extension, event) values ('board', 'presence', 'e')")
    owner.execute("select floorcast.probe_channel('board')")
    assert (changes(owner, MESSAGES), bells(listener)) == (NOTHING, [])


def test_old_messages_are_forgotten(owner: Connection) -> None:
    """By day where a day has its partition, else one by one; what the trail has stays."""
    owner.execute(
        """
        create table realtime.messages_2020_01_01 partition of realtime.messages
        for values from ('2020-01-01') to ('2020-01-02');
        insert into realtime.messages (topic, extension, event, inserted_at)
        values ('board', 'broadcast', 'day', '2020-01-01'), ('board', 'broadcast', 'stray', '2020-02-02');
        select realtime.send('{}', 'today', 'board')
        """
    )
    assert value(owner, "select floorcast.forget_messages('72 hours')") == 2
    assert value(owner, "select array_agg(event) from realtime.messages") == ["today"]
    assert value(owner, "select to_regclass('realtime.messages_2020_01_01')") is None
    assert len(changes(owner, MESSAGES)) == 3


def test_a_late_comer_is_told_the_newest_in_order(owner: Connection) -> None:
    """Messages of one transaction have one time; they come in the order of sending. Public ones are left out."""
    for event in ("first", "second", "third"):
        owner.execute("select realtime.send('{}', %s, 'board')", [event])
    owner.execute("select realtime.send('{}', 'a', 'board'), realtime.send('{}', 'b', 'board')")
    owner.execute("select realtime.send('{}', 'public', 'board', false), realtime.send('{}', 'other', 'desk')")
    told = owner.execute("select event from floorcast.messages_since('board', now() - interval '1 hour', 4)").fetchall()
    assert [row["event"] for row in told] == ["second", "third", "a", "b"]
    assert value(owner, "select event from floorcast.messages_since('board', now() - interval '1 hour', 1)") == "b"
    assert value(owner, "select count(*) from floorcast.messages_since('board', now() + interval '1 hour', 4)") == 0


def test_a_project_of_supabase_keeps_its_own(migrated_supabase: Database) -> None:
    """Neither functions nor a trigger are made in what belongs to others."""
    with connect(migrated_supabase.owner_url) as postgres:
        ours = "select count(*) from pg_proc where pronamespace = 'realtime'::regnamespace"
        assert value(postgres, ours) == 0
        assert value(postgres, "select count(*) from pg_trigger where tgrelid = 'realtime.messages'::regclass") == 0
        assert value(postgres, "select floorcast.extend_messages() + floorcast.forget_messages('72 hours')") == 0
        assert value(postgres, "select count(*) from floorcast.messages_since('board', now(), 4)") == 0
