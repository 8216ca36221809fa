-- depends: 0010_change_trail
-- What the trail knows beside the rows: which request changed them, and whether a row was in use or retired. What tables say
-- of themselves for that. A way to one row's history. And the book of maintenance, the only key to the trail itself.

-- Constants as defaults: no row is written anew, however long the trail is.
alter table floorcast.change
add column request_id text,
add column retired boolean not null default false,
add column old_retired boolean not null default false;

comment on column floorcast.change.request_id is
'The request in which it happened, as floorcast.request_id() had it; null when nobody said.';
comment on column floorcast.change.retired is
'Whether the row after it is retired (deleted_at is set); false for a delete and where rows cannot be.';
comment on column floorcast.change.old_retired is
'Whether the row before it was retired; false for an insert and where rows cannot be.';

-- One row's history. A hash: keys may be long, are only asked for as a whole, and every change pays for this.
-- Building it holds writers up for as long as it takes. On a long trail build one per partition beforehand with `create index
-- concurrently … on floorcast.change_… using hash ((key::text))`: this statement finds them and builds none.
create index change_by_key on floorcast.change using hash ((key::text));
comment on index floorcast.change_by_key is 'One row''s history: floorcast.history() and floorcast.as_of() look it up by its key''s text.';

alter table floorcast.tracked
add column scope text not null default 'warehouse',
add column retired_column text,
add constraint a_tracked_table_has_a_known_scope check (scope in ('warehouse', 'organization', 'person'));

comment on column floorcast.tracked.scope is
'What warehouse_column names: a warehouse, an organization or a person; decides the form of floorcast.change.warehouse.';
comment on column floorcast.tracked.retired_column is 'The column that says since when a row is retired; null when rows cannot be.';
comment on column floorcast.tracked.warehouse_column is
'The column that names the warehouse, or the organization or person, as scope says; null when rows have none.';
comment on column floorcast.change.warehouse is
'Where the row is now (for a delete: was): a warehouse, or organization:<id> or user:<id>, as floorcast.tracked.scope says; null for none.';

create table floorcast.maintenance (
    number bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    begun_at timestamptz not null default clock_timestamp(),
    actor text not null,
    reason text not null,
    constraint maintenance_has_a_reason check (length(btrim(reason)) between 1 and 2000)
);

comment on table floorcast.maintenance is
'Each time that somebody opened the trail to change it, and why; written by floorcast.begin_maintenance(), itself in the trail.';
comment on column floorcast.maintenance.number is 'Key, in the order in which they began.';
comment on column floorcast.maintenance.xid is 'The one transaction for which the trail is open.';
comment on column floorcast.maintenance.begun_at is 'When it began.';
comment on column floorcast.maintenance.actor is 'Who, as in floorcast.change.';
comment on column floorcast.maintenance.reason is 'Why, in words.';

grant select on floorcast.maintenance to floorcast_relay, floorcast_gateway;
