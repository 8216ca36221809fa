-- depends: 0001_namespaces_and_roles
-- The audit trail, which is also the outbox; the ticks cut from it; what is tracked; the doorbell's state.

-- CACHE stays 1: with more, each session draws its own block and seq would order causes after effects.
create sequence floorcast.change_seq as bigint cache 1;
comment on sequence floorcast.change_seq is 'Orders the changes of one transaction and of one row; drawn once per change.';

create table floorcast.change (
    xid xid8 not null default pg_current_xact_id(),
    seq bigint not null default nextval('floorcast.change_seq'),
    at timestamptz not null default clock_timestamp(),
    op text not null,
    table_name text not null,
    key json not null,
    warehouse text,
    old_warehouse text,
    actor text not null,
    old json,
    new json,
    constraint a_change_has_one_place primary key (xid, seq),
    constraint op_is_insert_update_or_delete check (op in ('insert', 'update', 'delete')),
    constraint only_an_insert_has_no_old check ((old is null) = (op = 'insert')),
    constraint only_a_delete_has_no_new check ((new is null) = (op = 'delete')),
    constraint only_a_moved_row_has_an_old_warehouse check (
        old_warehouse is null or (op = 'update' and old_warehouse is distinct from warehouse)
    )
) partition by range (xid);

comment on table floorcast.change is 'The audit trail and the outbox: one row per changed row of a tracked table.';
comment on column floorcast.change.xid is
'Top-level transaction. Never the system column xmin, which names the savepoint.';
comment on column floorcast.change.seq is 'Drawn at capture; orders the changes of one transaction and of one row.';
comment on column floorcast.change.at is 'When the statement was captured; for people, never for order.';
comment on column floorcast.change.op is 'insert, update or delete; a change of the key is a delete and an insert.';
comment on column floorcast.change.table_name is 'The table, without its schema for public.';
comment on column floorcast.change.key is 'Primary key columns as a JSON object.';
comment on column floorcast.change.warehouse is
'Where the row is now (for a delete: was); null for a table without warehouses.';
comment on column floorcast.change.old_warehouse is 'Where the row was before it moved; null when it did not move.';
comment on column floorcast.change.actor is 'sub of the caller''s claims, or system:<role>; never nobody.';
comment on column floorcast.change.old is 'The row before; null for an insert.';
comment on column floorcast.change.new is 'The row after; null for a delete.';

-- Resume and audit of one warehouse.
create index change_by_warehouse on floorcast.change (warehouse, xid, seq);
-- Few rows move; a partial index keeps the others free of its cost.
create index change_by_old_warehouse on floorcast.change (old_warehouse, xid, seq)
where old_warehouse is not null;

-- Catches what floorcast.extend_trail() had no partition for, so that capture can never fail a business write.
create table floorcast.change_default partition of floorcast.change default;

create table floorcast.incarnation (
    incarnation uuid primary key default gen_random_uuid(),
    number bigint not null generated always as identity unique,
    first_tick bigint not null,
    began_at timestamptz not null default clock_timestamp(),
    reason text not null
);

comment on table floorcast.incarnation is
'Histories of ticks; the one with the largest number is current. A cursor of another one cannot be continued.';
comment on column floorcast.incarnation.incarnation is 'Its name, in stream keys and cursors.';
comment on column floorcast.incarnation.number is 'The order in which histories began.';
comment on column floorcast.incarnation.first_tick is 'The newest tick when it began.';
comment on column floorcast.incarnation.began_at is 'When the relay noticed.';
comment on column floorcast.incarnation.reason is 'What told the histories apart.';

create table floorcast.tick (
    tick bigint primary key,
    snapshot pg_snapshot not null,
    count bigint not null,
    bytes bigint not null,
    seal bytea not null,
    closed_at timestamptz not null default clock_timestamp(),
    constraint ticks_are_counted_from_zero check (tick >= 0),
    constraint a_seal_is_a_sha256 check (octet_length(seal) = 32)
);

comment on table floorcast.tick is
'Durable cuts. Tick t is what its snapshot sees and the snapshot of t-1 did not; numbers are dense.';
comment on column floorcast.tick.tick is 'The position. The primary key fences a relay that woke up late.';
comment on column floorcast.tick.snapshot is 'What this tick and all before it see.';
comment on column floorcast.tick.count is 'Changes in the tick.';
comment on column floorcast.tick.bytes is 'Their row texts together, in bytes.';
comment on column floorcast.tick.seal is
'sha256 over the seal before, tick, snapshot and every change: names the tick unmistakably.';
comment on column floorcast.tick.closed_at is 'The server''s clock.';

create table floorcast.tracked (
    table_name text primary key,
    relation regclass not null unique,
    key_columns text[] not null,
    warehouse_column text,
    family text not null,
    constraint a_tracked_table_has_a_key check (cardinality(key_columns) > 0)
);

comment on table floorcast.tracked is 'Tables that have capture; written by floorcast.track() and untrack().';
comment on column floorcast.tracked.table_name is 'As in floorcast.change.';
comment on column floorcast.tracked.relation is 'The table itself.';
comment on column floorcast.tracked.key_columns is 'Primary key, in its order.';
comment on column floorcast.tracked.warehouse_column is 'The column that names the warehouse; null when rows have none.';
comment on column floorcast.tracked.family is 'What the doorbell says when the table changes.';

-- Unlogged: reading and writing them costs no WAL, no flush and no xid. After a crash both start at 0, which is
-- the safe side: writers ring, and a leader is silent until it is seen again.
-- (The linter's grammar knows no unlogged sequences.)
create unlogged sequence floorcast.doorbell as bigint minvalue 0 start 0; -- noqa: PRS
comment on sequence floorcast.doorbell is
'0: the relay waits for NOTIFY. Else: until this time (ms since 1970) it reads by itself and need not be rung for.';

create unlogged sequence floorcast.leader_seen as bigint minvalue 0 start 0;
comment on sequence floorcast.leader_seen is 'When the leading relay last gave a sign of life, ms since 1970.';

-- The beginning: everything that was there before is behind tick 0.
insert into floorcast.incarnation (first_tick, reason) values (0, 'installed');
insert into floorcast.tick (tick, snapshot, count, bytes, seal)
values (0, pg_current_snapshot(), 0, 0, sha256('floorcast'));

grant usage on schema floorcast to floorcast_relay, floorcast_gateway;
grant select on floorcast.change, floorcast.incarnation, floorcast.tick, floorcast.tracked
to floorcast_relay, floorcast_gateway;
grant insert on floorcast.tick, floorcast.incarnation to floorcast_relay;
grant select, update on sequence floorcast.doorbell, floorcast.leader_seen to floorcast_relay;
