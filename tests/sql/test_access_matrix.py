"""Every table, view, sequence and function, every verb, everybody: what happens is what `access_matrix.md` says.

All of it is tried for real, with statements that work for whoever may run them, and taken back.
"""

import json
from pathlib import Path
from uuid import uuid4

from tests.sql.attempts import EVERY_LETTER, LETTERS, Attempts, Cells
from tests.sql.world import INSERTS, UPDATES, Site, insert, update, where


def expected(title: str) -> Cells:
    """A table of the matrix, without what is not tried."""
    text = (Path(__file__).parent / "access_matrix.md").read_text()
    section = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
    header, _, *lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ]
    return {
        line[0]: {
            verb: "".join(sorted(cell.replace("*", "".join(LETTERS)).replace("–", ""), key=EVERY_LETTER.index))
            for verb, cell in zip(header[1:], line[1:], strict=True)
            if cell != "·"
        }
        for line in lines
    }


def compare(found: Cells, title: str) -> None:
    """Say which cells differ; what is missing on either side does."""
    matrix = expected(title)
    wrong = [
        f"{line}, {verb}: {found.get(line, {}).get(verb, 'not tried')!r} succeed,"
        f" and {matrix.get(line, {}).get(verb, 'nothing')!r} is written"
        for line in {**matrix, **found}
        for verb in {**matrix.get(line, {}), **found.get(line, {})}
        if found.get(line, {}).get(verb) != matrix.get(line, {}).get(verb)
    ]
    assert not wrong, "\n".join(["access_matrix.md does not say what happens:", *wrong])


def relations(attempts: Attempts, schema: str, kinds: str) -> list[str]:
    """Names of what is in the catalogue."""
    rows = attempts.owner.execute(
        "select relname::text as name from pg_class where relnamespace = %s::regnamespace and relkind = any(%s)"
        " order by relname",
        [schema, list(kinds)],
    ).fetchall()
    return [row["name"] for row in rows]


def table_verbs(site: Site, table: str) -> dict[str, str]:
    """What is tried with a table of the CMMS."""
    missing = [name for name, of in (("INSERTS", INSERTS), ("UPDATES", UPDATES)) if table not in of]
    assert not missing, f"tests/sql/world.py does not say what is tried with {table}: it wants it in {missing}"
    key = site.key(table)
    spare = {"id": site.keys[f"spare_{table}"]} if f"spare_{table}" in site.keys else key
    one = spare.get("id") or str(uuid4())
    column, new = UPDATES[table]
    return {
        "select": f"select 1 from public.{table} where {where(key)}",
        "insert": insert(table, site.values(table)),
        "update": update(table, key, column, new.format()),
        "delete": f"delete from public.{table} where {where(spare)}",
        "truncate": f"truncate public.{table} cascade",
        "retire": f"select floorcast.retire('public.{table}', '{one}')",
    }


def test_tables_of_the_cmms(attempts: Attempts) -> None:
    """Rows of North, by everybody."""
    north = attempts.world.north
    cells: Cells = {}
    for table in relations(attempts, "public", "rp"):
        name = f"public.{table} (the technician's)" if table == "notifications" else f"public.{table}"
        cells[name] = table_verbs(north, table)

    oneself = "from public.users where id = '{me}'"
    cells["public.users (oneself)"] = {
        "select": f"select 1 {oneself}",
        "update": "update public.users set display_name = 'Me' where id = '{me}'",
        "delete": f"delete {oneself}",
        "retire": "select floorcast.retire('public.users', '{me}')",
    }
    cells["public.user_warehouse_access (one's own)"] = {
        "select": "select 1 from public.user_warehouse_access"
        " where user_id = '{me}' and warehouse_id = '{my warehouse}'",
    }
    admin = {"user_id": north.keys["admin"], "warehouse_id": north.keys["warehouses"]}
    cells["public.user_warehouse_access (an admin's)"] = {
        "select": f"select 1 from public.user_warehouse_access where {where(admin)}",
        "insert": insert("user_warehouse_access", {**north.values("user_warehouse_access"), "role": "admin"}),
        "update": update("user_warehouse_access", admin, "role", "viewer"),
        "delete": f"delete from public.user_warehouse_access where {where(admin)}",
    }
    for table, line, others in (
        ("work_order_timeline", "what happened", {"event_type": "verified"}),
        ("inventory_transactions", "a stock take", {"transaction_type": "adjustment", "reason": "count"}),
    ):
        values = north.values(table)
        values.pop("work_order_id" if table == "inventory_transactions" else "", None)
        cells[f"public.{table} ({line})"] = {
            "select": table_verbs(north, table)["select"],
            "insert": insert(table, {**values, **others}),
        }

    compare(attempts.fill_in(cells), "Tables of the CMMS")


def test_who_retires_a_row_restores_it_and_nobody_else(attempts: Attempts) -> None:
    """The other half of the column `retire`."""
    cells = {
        f"public.{table}": {"retire": f"select floorcast.restore('public.{table}', '{key}')"}
        for table in relations(attempts, "public", "rp")
        if (key := attempts.world.north.key(table).get("id")) is not None
    }
    matrix = expected("Tables of the CMMS")
    missing = [line for line in cells if line not in matrix and f"{line} (the technician's)" not in matrix]
    assert not missing, f"tests/sql/access_matrix.md has no row under 'Tables of the CMMS' for {missing}"
    found = attempts.fill_in(cells)
    assert found == {
        line: {"retire": matrix.get(line, matrix.get(f"{line} (the technician's)", {}))["retire"]} for line in cells
    }


def test_views(attempts: Attempts) -> None:
    """What people read; nobody writes through it."""
    cells: Cells = {}
    for view in relations(attempts, "visible", "rvmf"):
        verbs = table_verbs(attempts.world.north, view)
        cells[f"visible.{view}"] = {
            verb: statement.replace("public.", "visible.") for verb, statement in verbs.items() if verb != "retire"
        }
    compare(attempts.fill_in(cells), "Views")


def test_columns_that_are_not_for_everybody(attempts: Attempts) -> None:
    """Who sees the row and not the column reads null."""
    north = attempts.world.north
    rules = attempts.owner.execute("select table_name, column_name from floorcast.column_rule").fetchall()
    cells: Cells = {}
    for rule in rules:
        table, column = rule["table_name"], rule["column_name"]
        key = where(north.key(table))
        cells[f"{table}.{column}"] = {
            "read": f"select 1 from visible.{table} where {key} and {column} is not null",
            "changed": f"update public.{table} set {column} = default where {key}",
        }
    found = attempts.fill_in(cells)
    compare(found, "Columns that are not for everybody")

    past: Cells = {}
    for rule in rules:
        table, column = rule["table_name"], rule["column_name"]
        key = north.key(table)
        past[f"{table}.{column}"] = {
            "history": f"select 1 from floorcast.history('public.{table}', '{json.dumps(key)}')"
            f" where new ->> '{column}' is not null",
            "as_of": f"select 1 from floorcast.as_of('public.{table}', clock_timestamp()) as r"
            f" where r ->> 'id' = '{key['id']}' and r ->> '{column}' is not null",
        }
    for name, ways in attempts.fill_in(past).items():
        assert set(ways.values()) == {found[name]["read"]}, name

    direct = [f"select {rule['column_name']} from public.{rule['table_name']}" for rule in rules]
    for actor in attempts.actors():
        if actor.role in ("authenticated", "anon"):
            outcomes = attempts.attempt(actor, direct)
            assert {outcome.code for outcome in outcomes} == {"42501"}, actor


def test_columns_that_people_write(attempts: Attempts) -> None:
    """What may be given with a new row, and what may be changed of it; no column gets there unnoticed."""
    granted: dict[str, dict[str, set[str]]] = {
        f"public.{table}": {"insert": set(), "update": set()} for table in relations(attempts, "public", "rp")
    }
    rows = attempts.owner.execute(
        "select format('%s.%s', table_schema, table_name) as name, column_name, lower(privilege_type) as verb"
        " from information_schema.column_privileges"
        " where grantee = 'authenticated' and privilege_type in ('INSERT', 'UPDATE')"
        # Messages are granted to everybody, and policies decide: tests/sql/test_channels_send.py.
        " and table_schema <> 'realtime'"
    ).fetchall()
    for row in rows:
        granted.setdefault(row["name"], {"insert": set(), "update": set()})[row["verb"]].add(row["column_name"])

    text = (Path(__file__).parent / "access_matrix.md").read_text()
    section = text.split("\n## Columns that people write\n")[1].split("\n## ")[0]
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "public." in line
    ]
    written = {
        name: {"insert": set(insert.replace("–", "").split()), "update": set(update.replace("–", "").split())}
        for name, insert, update in lines
    }
    wrong = [
        f"{name}, {verb}: {verdict}: {' '.join(sorted(columns))}"
        for name in {**written, **granted}
        for verb in ("insert", "update")
        for verdict, columns in (
            (
                "granted and not in the matrix",
                granted.get(name, {}).get(verb, set()) - written.get(name, {}).get(verb, set()),
            ),
            (
                "in the matrix and not granted",
                written.get(name, {}).get(verb, set()) - granted.get(name, {}).get(verb, set()),
            ),
        )
        if columns
    ]
    assert not wrong, "\n".join(["access_matrix.md does not say which columns people write:", *wrong])
    assert set(written) == set(granted), "each table has its line"


# Rows that would be valid; everything else of Floorcast's own is refused before anybody looks at the row.
OWN_ROWS = {
    "tick": "insert into floorcast.tick values (1000000, pg_current_snapshot(), 0, 0, sha256('x'))",
    "incarnation": "insert into floorcast.incarnation (first_tick, reason) values (0, 'trial')",
}


def test_tables_of_floorcast(attempts: Attempts) -> None:
    """The trail, its ticks, grants and rules: our processes only, and each what it needs."""
    partitions = {
        row["name"]
        for row in attempts.owner.execute(
            "select relname::text as name from pg_class where relispartition and relkind = 'r'"
            " and relnamespace = 'floorcast'::regnamespace"
        )
    }
    # So that none of them is empty.
    north = attempts.world.north.keys
    attempts.owner.execute(CONSUMER, [str(north["manager"]), [str(north["warehouses"])], north["warehouses"]])
    attempts.owner.execute(WEBHOOK)
    attempts.owner.execute(PARKED)
    cells: Cells = {}
    for table in relations(attempts, "floorcast", "rpvmf"):
        column = attempts.owner.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum = 1", [f"floorcast.{table}"]
        ).fetchone()
        assert column is not None
        cells[f"floorcast.{table}"] = {
            "select": f"select 1 from floorcast.{table} limit 1",
            "insert": OWN_ROWS.get(table, f"insert into floorcast.{table} default values"),
            "update": f"update floorcast.{table} set {column['attname']} = default",
            "delete": f"delete from floorcast.{table}",
            "truncate": f"truncate floorcast.{table} cascade",
        }
    compare(folded(attempts.fill_in(cells), partitions, "floorcast.change_… (each partition)"), "Tables of Floorcast")


def test_messages(attempts: Attempts) -> None:
    """Everybody has the rights that a Supabase project gives; without a policy they are good for nothing."""
    attempts.owner.execute("select realtime.send('{}', 'e', 'board')")
    cells: Cells = {
        "realtime.messages": {
            "select": "select 1 from realtime.messages where topic = 'board' limit 1",
            "insert": "insert into realtime.messages (topic, extension) values ('board', 'broadcast')",
            "update": "update realtime.messages set event = 'f' where topic = 'board'",
            "delete": "delete from realtime.messages where topic = 'board'",
            "truncate": "truncate realtime.messages",
        }
    }
    compare(attempts.fill_in(cells), "Messages")


def folded(found: Cells, names: set[str], line: str) -> Cells:
    """What stands in one line of the matrix, after it was seen to be the same for each."""
    each = [found.pop(f"floorcast.{name}") for name in names]
    assert all(cells == each[0] for cells in each)
    return {**found, line: each[0]}


def test_sequences(attempts: Attempts) -> None:
    """Those of organizations among them: their numbers tell how busy somebody else is."""
    names = relations(attempts, "floorcast", "S")
    assert not relations(attempts, "public", "S")
    cells = {
        f"floorcast.{name}": {
            "read": f"select last_value from floorcast.{name}",
            "set": f"select setval('floorcast.{name}', 1)",
            "next": f"select nextval('floorcast.{name}')",
        }
        for name in names
    }
    numbering = {name for name in names if name.startswith("work_orders_of_")}
    assert len(numbering) > 1
    found = folded(attempts.fill_in(cells), numbering, "floorcast.work_orders_of_… (each organization)")
    compare(found, "Sequences")


# How each is called: so that it answers, and tells of North where it tells of the CMMS.
CALLS = {
    "auth.uid()": "auth.uid()",
    "auth.role()": "auth.role()",
    "auth.jwt()": "auth.jwt()",
    # Policies on messages decide, and there is none; what a policy lets through is in tests/sql/test_channels_send.py.
    "realtime.send(jsonb,text,text,boolean)": "realtime.send('{{}}', 'e', 'board')",
    "realtime.send_binary(bytea,text,text,boolean)": "realtime.send_binary('', 'e', 'board')",
    "realtime.broadcast_changes(text,text,text,text,text,record,record,text)": (
        "realtime.broadcast_changes('board', 'e', 'INSERT', 't', 's', row(1), null)"
    ),
    "realtime.topic()": "realtime.topic()",
    "floorcast.actor()": "floorcast.actor()",
    "floorcast.is_server()": "floorcast.is_server()",
    "floorcast.iso(timestamptz)": "floorcast.iso(now())",
    "floorcast.my_id()": "floorcast.my_id() as i where i is not null",
    "floorcast.my_access()": "floorcast.my_access() where warehouse_id = '{warehouses}'",
    "floorcast.my_warehouses()": "floorcast.my_warehouses() as w where w = '{warehouses}'",
    "floorcast.my_warehouses_for(text,text)": (
        "floorcast.my_warehouses_for('equipment', 'select') as w where w = '{warehouses}'"
    ),
    "floorcast.my_organizations_for(text,text)": (
        "floorcast.my_organizations_for('organizations', 'select') as o where o = '{organizations}'"
    ),
    "floorcast.my_people_for(text,text)": "floorcast.my_people_for('users', 'select') as p where p = '{colleague}'",
    "floorcast.my_warehouses_reading(text,text)": (
        "floorcast.my_warehouses_reading('work_orders', 'actual_cost') as w where w = '{warehouses}'"
    ),
    "floorcast.my_organizations_reading(text,text)": (
        "floorcast.my_organizations_reading('organizations', 'name') as o where o = '{organizations}'"
    ),
    "floorcast.my_people_reading(text,text)": (
        "floorcast.my_people_reading('users', 'email') as p where p = '{colleague}'"
    ),
    "floorcast.retire(regclass,uuid,bigint)": "floorcast.retire('public.equipment', '{equipment}')",
    "floorcast.restore(regclass,uuid,bigint)": "floorcast.restore('public.equipment', '{equipment}')",
    "floorcast.set_retired(regclass,uuid,bigint,boolean)": (
        "floorcast.set_retired('public.equipment', '{equipment}', 1, true)"
    ),
    "floorcast.retired(regclass)": (
        "floorcast.retired('public.inventory_locations') as r where r ->> 'id' = '{retired_location}'"
    ),
    "floorcast.require_place(uuid)": "floorcast.require_place('{warehouses}')",
    "floorcast.maintenance_compliance(uuid,timestamptz,timestamptz)": (
        "floorcast.maintenance_compliance('{warehouses}', '2020-01-01') where due > 0"
    ),
    "floorcast.due_after_blackout(tstzmultirange,timestamptz)": "floorcast.due_after_blackout('{{}}', now())",
    "floorcast.due(timestamptz,text,integer,text,integer)": "floorcast.due(now(), 'days', 1, 'UTC', 1)",
    "floorcast.due_number(timestamptz,text,integer,text,timestamptz)": (
        "floorcast.due_number(now(), 'days', 1, 'UTC', now())"
    ),
    "floorcast.assigned_event(work_orders,uuid)": "floorcast.assigned_event(null, null)",
    "floorcast.write_notifications(notifications[],text[])": "floorcast.write_notifications(null)",
    "floorcast.describe_maintenance(maintenance_templates)": "floorcast.describe_maintenance(null)",
    "floorcast.create_due_work_order(uuid,timestamptz)": (
        "floorcast.create_due_work_order('{maintenance_schedules}', '2100-01-01')"
    ),
    "floorcast.create_due_work_orders(timestamptz,integer)": "floorcast.create_due_work_orders('2100-01-01')",
    "floorcast.end_expired_access()": "floorcast.end_expired_access()",
    "floorcast.escalate_work_orders(interval)": "floorcast.escalate_work_orders('1 day')",
    "floorcast.transfer_stock(uuid,uuid,numeric,text)": (
        "floorcast.transfer_stock('{inventory_items}', '{item_of_south}', 1)"
    ),
    "floorcast.work_order_sequence(uuid)": "floorcast.work_order_sequence('{organizations}')",
    "floorcast.history(regclass,jsonb)": """floorcast.history('public.work_orders', '{{"id": "{work_orders}"}}')""",
    "floorcast.as_of(regclass,timestamptz)": (
        "floorcast.as_of('public.work_orders', clock_timestamp()) as r where r ->> 'id' = '{work_orders}'"
    ),
    "floorcast.my_reading(regclass)": "floorcast.my_reading('public.work_orders')",
    "floorcast.as_seen(json,text,boolean,jsonb)": "floorcast.as_seen(null, null, null, null)",
    "floorcast.key_text(regclass,jsonb)": """floorcast.key_text('public.work_orders', '{{"id": "{work_orders}"}}')""",
    "floorcast.first_tick()": "floorcast.first_tick()",
    "floorcast.tick_at(timestamptz)": "floorcast.tick_at(clock_timestamp())",
    "floorcast.tick_of(xid8)": "floorcast.tick_of(null)",
    "floorcast.known_warehouses()": "floorcast.known_warehouses() where id = '{warehouses}'",
    "floorcast.touch_canary(double precision)": "floorcast.touch_canary(0)",
    "floorcast.close_tick(bigint,bigint)": "floorcast.close_tick(100000, 100000000)",
    "floorcast.extend_trail()": "floorcast.extend_trail()",
    "floorcast.extend_messages()": "floorcast.extend_messages()",
    "floorcast.forget_messages(interval)": "floorcast.forget_messages('3 days')",
    "floorcast.messages_since(text,timestamptz,integer)": (
        "(select count(*) from floorcast.messages_since('board', now(), 1)) as told"
    ),
    "floorcast.probe_channel(text)": "floorcast.probe_channel('board')",
    "floorcast.change_digest(floorcast.change)": "floorcast.change_digest(null)",
    "floorcast.changes_between(pg_snapshot,pg_snapshot)": ("floorcast.changes_between('1:1:', pg_current_snapshot())"),
    "floorcast.tick_seal(bytea,bigint,pg_snapshot,bytea,timestamptz)": "floorcast.tick_seal(null, 1, null, null, null)",
    "floorcast.verify_ticks(bigint,bigint)": "floorcast.verify_ticks(-1, 1000)",
    "floorcast.share_of(text,text,integer)": "floorcast.share_of('t', 'k', 3)",
    "floorcast.chain_order(text[],text[])": "floorcast.chain_order('{{a}}', '{{b}}')",
    "floorcast.share_changes(floorcast.consumer,integer,text[],bigint,bigint)": (
        "floorcast.share_changes(null, 0, '{{}}', 0, 1)"
    ),
    "floorcast.tell_change(floorcast.change,text,text,jsonb,jsonb)": (
        "floorcast.tell_change(null, null, null, null, null)"
    ),
    "floorcast.my_consumer(text)": "floorcast.my_consumer('erp')",
    "floorcast.consumer_reading(floorcast.consumer)": "floorcast.consumer_reading(null)",
    "floorcast.refuse_gone(text,bigint,bytea)": "floorcast.refuse_gone('erp', 0, '')",
    "floorcast.retry_after(integer)": "floorcast.retry_after(1)",
    "floorcast.put_consumer(text,text[],text[],jsonb,integer,interval,integer,text,jsonb)": (
        "floorcast.put_consumer('new', array['{warehouses}'])"
    ),
    "floorcast.next_batch(text,integer,text,integer,integer)": (
        "(select count(*) from floorcast.next_batch('erp')) as b"
    ),
    "floorcast.ack(text,uuid,jsonb)": "floorcast.ack('erp', '{warehouses}')",
    "floorcast.hold_batch(text,uuid,integer)": "floorcast.hold_batch('erp', '{warehouses}')",
    "floorcast.move_consumer(text,bigint,timestamptz)": "floorcast.move_consumer('erp')",
    "floorcast.remove_consumer(text)": "floorcast.remove_consumer('erp')",
    "floorcast.consumers(text)": "floorcast.consumers('erp')",
    "floorcast.parked_changes(text,bigint,integer)": ("(select count(*) from floorcast.parked_changes('erp')) as p"),
    "floorcast.replay_parked(text,bigint)": "floorcast.replay_parked('erp')",
    "floorcast.drop_parked(text,bigint)": "floorcast.drop_parked('erp', 1)",
    "floorcast.put_webhook(text,text,text,integer)": (
        "floorcast.put_webhook('erp', 'https://erp.example/', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')"
    ),
    "floorcast.my_webhook(text)": "(select count(*) from floorcast.my_webhook('erp')) as w",
    "floorcast.rotate_webhook(text,text,integer)": (
        "floorcast.rotate_webhook('erp', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 60)"
    ),
    "floorcast.remove_webhook(text)": "floorcast.remove_webhook('erp')",
    "floorcast.consumer_figures()": "floorcast.consumer_figures()",
    "floorcast.needed_tick()": "floorcast.needed_tick()",
    "floorcast.leader_lock()": "floorcast.leader_lock()",
    "floorcast.silence_lock()": "floorcast.silence_lock()",
    "floorcast.now_ms()": "floorcast.now_ms()",
    "floorcast.ring(text)": "floorcast.ring('equipment')",
    "floorcast.request_id()": "floorcast.request_id()",
    "floorcast.begin_maintenance(text)": "floorcast.begin_maintenance('trial')",
    "floorcast.guard_from_inserts(regclass)": "floorcast.guard_from_inserts('floorcast.change')",
    "floorcast.guard_from_truncate(regclass)": "floorcast.guard_from_truncate('floorcast.tick')",
    "floorcast.access_condition(floorcast.protected,text)": "floorcast.access_condition(null, 'select')",
    "floorcast.apply_rules(text)": "floorcast.apply_rules('equipment')",
    "floorcast.protect(regclass,text,text,text[],text[])": "floorcast.protect('public.equipment')",
    "floorcast.table_name(regclass)": "floorcast.table_name('public.equipment')",
    "floorcast.key_columns(regclass)": "floorcast.key_columns('public.equipment')",
    "floorcast.capture_body(regclass,text,text,text,text,text)": (
        "floorcast.capture_body('public.equipment', 'e', null, 'e', 'warehouse', null)"
    ),
    "floorcast.track(regclass,text,text,text)": "floorcast.track('public.equipment')",
    "floorcast.untrack(regclass)": "floorcast.untrack('public.equipment')",
}


CONSUMER = b"""
with made as (
    insert into floorcast.consumer (name, owner, owner_role, warehouses) values ('erp', %s, 'authenticated', %s)
    on conflict do nothing
    returning name
)
insert into floorcast.consumer_share (consumer, share, tick, seal, lease, leased_until)
select m.name, i, t.tick, t.seal, case when i = 0 then %s::uuid end, case when i = 0 then now() + interval '1 day' end
from made as m, generate_series(0, 1) as i, (select * from floorcast.tick order by tick desc limit 1) as t
"""

WEBHOOK = b"""
insert into floorcast.webhook (consumer, url, signing_key)
values ('erp', 'https://erp.example/', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
on conflict do nothing
"""

PARKED = b"""
insert into floorcast.parked (consumer, table_name, key, tick, n, change, closed_at)
values ('erp', 'work_orders', '{}', 1, 1, '{}', now())
on conflict do nothing
"""


def test_functions(attempts: Attempts) -> None:
    """Those of triggers are nobody's: a trigger needs no right to fire."""
    rows = attempts.owner.execute(
        """
        select
            replace(p.oid::regprocedure::text, 'timestamp with time zone', 'timestamptz') as name,
            p.prorettype = 'trigger'::regtype as is_trigger,
            array(
                select r.rolname::text from pg_roles as r
                where (r.rolname in ('anon', 'authenticated', 'service_role') or r.rolname like 'floorcast\\_%')
                    and has_function_privilege(r.oid, p.oid, 'execute')
            ) as callers
        from pg_proc as p
        where p.pronamespace = any(array['auth', 'floorcast', 'public', 'realtime', 'visible']::regnamespace[])
        """
    ).fetchall()
    open_triggers = [row["name"] for row in rows if row["is_trigger"] and row["callers"]]
    assert not open_triggers
    functions = {row["name"] for row in rows if not row["is_trigger"]}
    assert functions == set(CALLS), "each function has a call, and each call a function"

    north = attempts.world.north
    # A consumer of the manager's, with a batch out that goes by the name of the warehouse.
    attempts.owner.execute(
        CONSUMER, [str(north.keys["manager"]), [str(north.keys["warehouses"])], north.keys["warehouses"]]
    )
    attempts.owner.execute(WEBHOOK)
    found = attempts.fill_in({name: {"call": f"select from {north.fill(call)}"} for name, call in CALLS.items()})
    compare({**found, "floorcast.…() of triggers (each)": {"call": ""}}, "Functions")
