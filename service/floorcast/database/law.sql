-- What a gateway begins with. Parameters are psycopg's %(name)s.

-- name: base
-- Where a gateway begins: the newest tick, as this statement's snapshot sees it.
select
    t.tick,
    encode(t.seal, 'hex') as seal,
    (
        select i.incarnation::text from floorcast.incarnation as i
        order by i.number desc limit 1
    ) as incarnation
from floorcast.tick as t
order by t.tick desc
limit 1;

-- name: law_at_tick
-- What gateways decide by, exactly as one tick sees it: the tables as they are now, with what came after that tick taken back.
-- For each key the earliest later change tells what was there before: nothing, if it was an insert. Of warehouses only those
-- that are in use.
with later as materialized (
    select distinct on (c.table_name, c.key::jsonb)
        c.table_name,
        c.key::jsonb as key,
        c.old
    from floorcast.tick as t
    cross join lateral floorcast.changes_between(t.snapshot, pg_current_snapshot()) as c
    where
        t.tick = %(tick)s
        and c.table_name in (
            'floorcast.grants',
            'floorcast.table_rule',
            'floorcast.column_rule',
            'floorcast.owner_rule',
            'floorcast.tracked',
            'warehouses'
        )
    order by c.table_name, c.key::jsonb, c.seq
),

now as (
    select
        'floorcast.grants' as table_name,
        jsonb_build_object('user_id', g.user_id, 'warehouse', g.warehouse) as key,
        row_to_json(g.*) as row
    from floorcast.grants as g
    union all
    select
        'floorcast.table_rule',
        jsonb_build_object('table_name', r.table_name, 'action', r.action),
        row_to_json(r.*)
    from floorcast.table_rule as r
    union all
    select
        'floorcast.column_rule',
        jsonb_build_object('table_name', r.table_name, 'column_name', r.column_name),
        row_to_json(r.*)
    from floorcast.column_rule as r
    union all
    select
        'floorcast.owner_rule',
        jsonb_build_object('table_name', r.table_name),
        row_to_json(r.*)
    from floorcast.owner_rule as r
    union all
    select
        'floorcast.tracked',
        jsonb_build_object('table_name', r.table_name),
        row_to_json(r.*)
    from floorcast.tracked as r
    union all
    select
        'warehouses',
        jsonb_build_object('id', w.id),
        row_to_json(w.*)
    from floorcast.known_warehouses() as w
)

select
    n.table_name,
    n.row::text as row
from now as n
where
    not exists (
        select from later as l
        where l.table_name = n.table_name and l.key = n.key
    )
union all
select
    l.table_name,
    l.old::text
from later as l
where l.old is not null and l.old ->> 'deleted_at' is null;
