-- Every query of relay and gateway, by name. Parameters are psycopg's %(name)s.

-- name: close_tick
-- The next tick with its changes, or no row. See triggers/4_tick/close_tick.sql.
select * from floorcast.close_tick(%(largest_count)s, %(largest_bytes)s);

-- name: newest_tick
-- Number and seal of the newest tick, the incarnation that it belongs to, and whether it knows of transactions that this
-- server has not begun yet.
select
    t.tick,
    encode(t.seal, 'hex') as seal,
    (
        select i.incarnation::text from floorcast.incarnation as i
        order by i.number desc limit 1
    ) as incarnation,
    pg_snapshot_xmax(t.snapshot) > pg_snapshot_xmax(pg_current_snapshot()) as is_foreign
from floorcast.tick as t
order by t.tick desc
limit 1;

-- name: seal_of
-- The seal of one tick; no row when there is no such tick.
select encode(t.seal, 'hex') as seal
from floorcast.tick as t
where t.tick = %(tick)s;

-- name: headers
-- Ticks after one, ascending. Numbers are dense, so the tick before is always the one that was sealed before.
select
    t.tick,
    coalesce(encode(p.seal, 'hex'), '') as previous_seal,
    encode(t.seal, 'hex') as seal,
    floorcast.iso(t.closed_at) as closed_at,
    t.count,
    t.bytes
from floorcast.tick as t
left join floorcast.tick as p on p.tick = t.tick - 1
where t.tick > %(after)s
order by t.tick
limit %(limit)s;

-- name: transactions
-- The transactions of one tick in the order in which they are delivered, with how many changes each has, how large they are, and
-- whether any is about some places.
select
    c.xid::text::bigint as xid,
    count(*) as changes,
    sum(coalesce(octet_length(c.old::text), 0) + coalesce(octet_length(c.new::text), 0))::bigint as bytes,
    bool_or(
        coalesce(c.warehouse = any(%(places)s::text[]) or c.old_warehouse = any(%(places)s::text[]), false)
    ) as is_concerned
from floorcast.tick as t
join floorcast.tick as p on p.tick = t.tick - 1
cross join lateral floorcast.changes_between(p.snapshot, t.snapshot) as c
where t.tick = %(tick)s
group by c.xid
order by max(c.seq);

-- name: changes_of_tables
-- The changes of a few tables in one tick, however large, in order.
select
    c.xid::text as xid,
    c.seq,
    c.table_name,
    c.op,
    c.key::text as key,
    c.warehouse,
    c.old_warehouse,
    c.actor,
    floorcast.iso(c.at) as at,
    c.old::text as old,
    c.new::text as new,
    c.retired,
    c.old_retired
from floorcast.tick as t
join floorcast.tick as p on p.tick = t.tick - 1
cross join lateral floorcast.changes_between(p.snapshot, t.snapshot) as c
where t.tick = %(tick)s and c.table_name = any(%(tables)s::text[])
order by (
    select max(s.seq) from floorcast.change as s
    where s.xid = c.xid
), c.seq;

-- name: warehouses_of
-- Every warehouse that one tick concerns: where its rows are, and where they moved from.
select distinct w.warehouse
from floorcast.tick as t
join floorcast.tick as p on p.tick = t.tick - 1
cross join lateral floorcast.changes_between(p.snapshot, t.snapshot) as c
cross join lateral (values (c.warehouse), (c.old_warehouse)) as w (warehouse)
where t.tick = %(tick)s and w.warehouse is not null
order by w.warehouse;

-- name: changes
-- Changes of some whole transactions, in order.
select
    c.xid::text as xid,
    c.seq,
    c.table_name,
    c.op,
    c.key::text as key,
    c.warehouse,
    c.old_warehouse,
    c.actor,
    floorcast.iso(c.at) as at,
    c.old::text as old,
    c.new::text as new,
    c.retired,
    c.old_retired
from unnest(%(xids)s::text[]) with ordinality as x (xid, place)
join floorcast.change as c on c.xid = x.xid::xid8
order by x.place, c.seq;

-- name: changes_of_one
-- A piece of one transaction from a place on: at most so many changes, and no more once they have so many bytes.
-- Reads just these, in the order of the primary key; the length of a row is known without reading it.
with piece as (
    select
        c.*,
        coalesce(octet_length(c.old::text), 0) + coalesce(octet_length(c.new::text), 0) as size
    from floorcast.change as c
    where c.xid = %(xid)s::xid8 and c.seq > %(after)s
    order by c.seq
    limit %(count)s
)

select
    c.xid::text as xid,
    c.seq,
    c.table_name,
    c.op,
    c.key::text as key,
    c.warehouse,
    c.old_warehouse,
    c.actor,
    floorcast.iso(c.at) as at,
    c.old::text as old,
    c.new::text as new,
    c.retired,
    c.old_retired
from (
    select
        p.*,
        sum(p.size) over (order by p.seq) - p.size as bytes_before
    from piece as p
) as c
where c.bytes_before < %(bytes)s
order by c.seq;

-- name: try_lead
-- Takes the leader's lock if it is free, and gives a sign of life in the same statement; true when taken.
select
    case
        when pg_try_advisory_lock(floorcast.leader_lock())
            then setval('floorcast.leader_seen', floorcast.now_ms()) is not null
        else false
    end as taken;

-- name: leader
-- Who holds the leader's lock, and its last sign of life.
select
    l.pid,
    (select s.last_value from floorcast.leader_seen as s) as seen
from pg_locks as l
where
    l.locktype = 'advisory'
    and l.granted
    and l.objsubid = 1
    and l.database = (
        select d.oid from pg_database as d
        where d.datname = current_database()
    )
    and ((l.classid::bigint << 32) | l.objid::bigint) = floorcast.leader_lock();

-- name: is_working
-- Whether a session is at work on a query now. One that waits for its client is not: the client may be stopped.
-- As the login itself: a role that it took sees nothing of its sessions.
select a.state = 'active' and coalesce(a.wait_event_type, '') <> 'Client' as working
from pg_stat_activity as a
where a.pid = %(pid)s;

-- name: end_leader
-- Ends the session of a leader that gives no sign of life; as the login itself, like the query above.
select pg_terminate_backend(%(pid)s) as ended;

-- name: sign_of_life
-- Returns the server's time: what had committed by then, the next tick sees.
select
    setval('floorcast.leader_seen', floorcast.now_ms()) as seen,
    floorcast.iso(clock_timestamp()) as at;

-- name: set_busy
-- The bell may stay silent for this many milliseconds.
select setval('floorcast.doorbell', floorcast.now_ms() + %(milliseconds)s);

-- name: set_idle
-- Whoever changes something from now on rings.
select setval('floorcast.doorbell', 0);

-- name: take_silence
-- True when no silent writer is open any more, and none can become silent until the lock is given back.
select pg_try_advisory_lock(floorcast.silence_lock()) as taken;

-- name: give_silence_back
select pg_advisory_unlock(floorcast.silence_lock());

-- name: ring_itself
-- Heard by the session that listens, if it still hears; on a channel of its own.
select pg_notify(%(channel)s, %(ring)s);

-- name: touch_canary
-- A canary unless the newest is younger than so many seconds. See triggers/2_capture/touch_canary.sql.
select
    t.beat,
    t.written
from floorcast.touch_canary(%(seconds)s::double precision) as t;

-- name: extend_trail
select floorcast.extend_trail();

-- name: knows_incarnation
select exists(
    select from floorcast.incarnation as i
    where i.incarnation::text = %(incarnation)s
) as known;

-- name: begin_incarnation
insert into floorcast.incarnation (first_tick, reason)
select
    max(t.tick),
    %(reason)s
from floorcast.tick as t
returning incarnation::text as incarnation;

-- name: shapes
-- Columns, types and key of every tracked table whose rows belong to some place, and whether it is under the rules of access:
-- row level security holds and protect() was called for this very table, not for one of its name that was dropped. A domain is
-- the type that it is made of, through however many domains; a name without a schema is a type of PostgreSQL itself.
with recursive made_of as (
    select
        a.attrelid,
        a.attnum,
        a.attname::text as name,
        a.atttypid as type,
        a.atttypmod as modifier
    from floorcast.tracked as r
    join pg_attribute as a on a.attrelid = r.relation
    where a.attnum > 0 and not a.attisdropped
    union all
    select
        m.attrelid,
        m.attnum,
        m.name,
        t.typbasetype,
        m.modifier
    from made_of as m
    join pg_type as t on t.oid = m.type
    where t.typtype = 'd'
),

column_types as (
    select
        m.attrelid,
        m.attnum,
        m.name,
        m.modifier,
        case
            when t.typtype = 'e' then 'enum'
            when s.nspname = 'pg_catalog' then t.typname::text
            else s.nspname || '.' || t.typname
        end as type
    from made_of as m
    join pg_type as t on t.oid = m.type
    join pg_namespace as s on s.oid = t.typnamespace
    where t.typtype <> 'd'
)

select
    r.table_name,
    r.key_columns,
    r.scope,
    r.warehouse_column as place_column,
    array_agg(c.name order by c.attnum) as columns,
    array_agg(c.type order by c.attnum) as types,
    string_agg(c.attnum || ':' || c.modifier, ',' order by c.attnum) as layout,
    exists(
        select from floorcast.protected as p
        join pg_class as t on t.oid = p.relation
        where p.relation = r.relation and t.relrowsecurity
    ) as is_protected
from floorcast.tracked as r
join column_types as c on c.attrelid = r.relation
where r.warehouse_column is not null
group by r.table_name, r.relation, r.key_columns, r.scope, r.warehouse_column;

-- name: published
-- The tables of publication supabase_realtime, by their names in the trail; null where there is no such publication.
select
    case
        when exists (
            select from pg_publication as p
            where p.pubname = 'supabase_realtime'
        ) then array(
            select r.table_name
            from floorcast.tracked as r
            where r.relation in (
                select w.oid
                from pg_publication_tables as t
                join pg_namespace as n on n.nspname = t.schemaname
                join pg_class as c on c.relnamespace = n.oid and c.relname = t.tablename
                -- Of a partitioned table a publication names the partitions, unless it is told otherwise.
                cross join
                    lateral (
                        select c.oid
                        union all
                        select a.relid from pg_partition_ancestors(c.oid) as a
                    ) as w (oid)
                where t.pubname = 'supabase_realtime'
            )
        )
    end as tables;
