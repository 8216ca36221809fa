-- What was done to access in the past. Parameters are psycopg's %(name)s.

-- name: changes_of_law
-- Every change behind one tick and up to another of the tables that say who may see what, by tick and in order; so many at most.
-- The list is that of the index floorcast.changes_of_law, word for word, or it would not be used.
with recursive
span as materialized (
    select
        a.tick as after,
        u.tick as upto,
        a.snapshot as before,
        u.snapshot as at_end
    from floorcast.tick as a
    cross join floorcast.tick as u
    where a.tick = %(after)s and u.tick = %(upto)s
),

found as materialized (
    select
        c.xid,
        c.seq
    from span as s
    cross join lateral floorcast.changes_between(s.before, s.at_end) as c
    where
        c.table_name in (
            'floorcast.grants',
            'floorcast.table_rule',
            'floorcast.column_rule',
            'floorcast.owner_rule',
            'floorcast.tracked',
            'warehouses'
        )
    order by c.xid, c.seq
    limit %(most)s::bigint
),

search (xid, unseen, seen) as (
    select
        f.xid,
        s.after,
        s.upto
    from span as s
    cross join (select distinct f.xid from found as f) as f
    union all
    select
        n.xid,
        case when m.is_seen then n.unseen else m.middle end,
        case when m.is_seen then m.middle else n.seen end
    from search as n
    cross join
        lateral (
            select
                (n.unseen + n.seen) / 2 as middle,
                pg_visible_in_snapshot(n.xid, t.snapshot) as is_seen
            from floorcast.tick as t
            where t.tick <= (n.unseen + n.seen) / 2
            order by t.tick desc
            limit 1
        ) as m
    where n.seen - n.unseen > 1
)

select
    n.seen as tick,
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
from search as n
cross join
    lateral (
        select max(a.seq) as last_seq from floorcast.change as a
        where a.xid = n.xid
    ) as l
cross join
    lateral (
        select b.*
        from floorcast.change as b
        where
            b.xid = n.xid
            and b.table_name in (
                'floorcast.grants',
                'floorcast.table_rule',
                'floorcast.column_rule',
                'floorcast.owner_rule',
                'floorcast.tracked',
                'warehouses'
            )
    ) as c
where n.seen - n.unseen = 1
order by n.seen, l.last_seq, c.seq
limit %(most)s::bigint;
