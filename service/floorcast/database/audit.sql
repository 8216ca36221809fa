-- What `floorcast audit` asks. Parameters are psycopg's %(name)s.

-- name: may_read
-- Whether the login may read the trail as it is; else it becomes the relay's role.
select
    coalesce(bool_and(
        has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
    ), true) as may_read
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'floorcast' and c.relname = 'change';

-- name: head
-- The newest tick, and what tells this history from others.
select
    t.tick,
    encode(t.seal, 'hex') as seal,
    floorcast.iso(t.closed_at) as closed_at,
    (select count(*) from floorcast.tick) as ticks,
    (
        select i.incarnation::text from floorcast.incarnation as i
        order by i.number desc limit 1
    ) as incarnation,
    (select c.system_identifier::text from pg_control_system() as c) as system_identifier
from floorcast.tick as t
order by t.tick desc
limit 1;

-- name: surroundings
-- What lies outside the ticks: where they begin, what is older than all of them, what is newer, what is of transactions that
-- are yet to come and so no tick would ever miss.
-- Of the rows that are older there are none, unless somebody put them there, or ticks were dropped and their rows kept.
select
    f.tick as first_tick,
    (
        select count(*)
        from floorcast.change as c
        where c.xid < pg_snapshot_xmax(f.snapshot) and pg_visible_in_snapshot(c.xid, f.snapshot)
    ) as older,
    (
        select count(c.seq)
        from (
            select n.snapshot from floorcast.tick as n
            order by n.tick desc limit 1
        ) as n
        cross join lateral floorcast.changes_between(n.snapshot, pg_current_snapshot()) as c
    ) as newer,
    (
        select count(*)
        from floorcast.change as c
        where c.xid >= pg_snapshot_xmax(pg_current_snapshot())
    ) as future
from floorcast.tick as f
order by f.tick
limit 1;

-- name: book
-- Each time that the trail was opened.
select
    m.number,
    floorcast.iso(m.begun_at) as begun_at,
    m.actor,
    m.reason
from floorcast.maintenance as m
order by m.number;

-- name: unguarded
-- Parts of the trail that could be changed without a maintenance, since the trigger that refuses it is off or gone.
select g.relation::text as relation
from (
    select t.relid as relation, true as is_of_changes from pg_partition_tree('floorcast.change') as t
    union all
    select r.relation, false
    from unnest(
        array['floorcast.tick', 'floorcast.incarnation', 'floorcast.maintenance']::regclass[]
    ) as r (relation)
) as g
where
    (
        select count(*)
        from pg_trigger as t
        where
            t.tgrelid = g.relation
            and t.tgname in ('_100_refuse_changes', '_500_refuse_truncate', '_100_refuse_inserts', '_100_stamp')
            and t.tgenabled = 'A'
    ) < case when g.is_of_changes or g.relation = 'floorcast.maintenance'::regclass then 3 else 2 end
order by relation;

-- name: ticks
-- See triggers/4_tick/verify_ticks.sql.
select
    v.tick,
    encode(v.seal, 'hex') as seal,
    floorcast.iso(v.closed_at) as closed_at,
    v.count,
    v.bytes,
    v.found_count,
    v.found_bytes,
    v.is_whole
from floorcast.verify_ticks(%(after)s, %(limit)s) as v;

-- name: anchored
-- What is there of the tick that an anchor names; how many ticks are up to it; and whether its history is known.
select
    (
        select encode(t.seal, 'hex') from floorcast.tick as t
        where t.tick = %(tick)s
    ) as seal,
    (
        select floorcast.iso(t.closed_at) from floorcast.tick as t
        where t.tick = %(tick)s
    ) as closed_at,
    (
        select count(*) from floorcast.tick as t
        where t.tick <= %(tick)s
    ) as ticks,
    exists(
        select from floorcast.incarnation as i
        where i.incarnation::text = %(incarnation)s
    ) as knows_incarnation,
    (select c.system_identifier::text from pg_control_system() as c) as system_identifier;
