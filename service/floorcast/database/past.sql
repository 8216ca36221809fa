-- Which ticks of the past concern some places: warehouses, organization:<id>, user:<id>. Parameters are psycopg's %(name)s.
-- What lies between and concerns others is not read: places are looked up by index, and so are ticks. What they brought is in
-- past_changes.sql.

-- name: kept
-- The newest tick; whether one can be continued from here: it is kept, and no cut made by hand lies behind it; whether this is
-- the history of an anchor, where there is one; and the seal of the tick.
select
    n.tick as newest,
    (
        exists (
            select from floorcast.tick as t
            where t.tick = %(tick)s
        )
        and not exists (
            select from floorcast.tick as t
            where t.count = 0 and t.tick > %(tick)s
        )
    ) as is_kept,
    (
        %(anchor)s::bigint is null or exists (
            select from floorcast.tick as t
            where t.tick = %(anchor)s::bigint and t.seal = decode(%(seal)s, 'hex')
        )
    ) as is_anchored,
    (
        select encode(t.seal, 'hex') from floorcast.tick as t
        where t.tick = %(tick)s
    ) as seal
from floorcast.tick as n
order by n.tick desc
limit 1;

-- name: concerned
-- The ticks behind one and up to another that concern some places, ascending: with the transactions that do, with how many
-- changes, and how many bytes those take as they are stored (of a large tick nobody asks).
-- At most so many transactions that began behind the first tick are looked at. `reached` says how far that is complete: up to
-- the last tick in which only lower numbers can be. There always is a row, with nothing but `reached` where there is no tick.
with recursive
span as materialized (
    select
        a.tick as after,
        u.tick as upto,
        a.snapshot as before,
        u.snapshot as at_end,
        u.closed_at,
        u.count,
        u.bytes
    from floorcast.tick as a
    cross join floorcast.tick as u
    where a.tick = %(after)s and u.tick = %(upto)s
),

-- Began behind the first tick.
begun as materialized (
    select x.xid
    from span as s
    cross join unnest(%(places)s::text[]) as p (place)
    cross join
        lateral (
            (
                select distinct c.xid
                from floorcast.change as c
                where
                    c.warehouse = p.place
                    and c.xid >= pg_snapshot_xmax(s.before)
                    and c.xid < pg_snapshot_xmax(s.at_end)
                    and pg_visible_in_snapshot(c.xid, s.at_end)
                order by c.xid
                limit %(most)s::bigint
            )
            union
            (
                select distinct c.xid
                from floorcast.change as c
                where
                    c.old_warehouse = p.place
                    and c.xid >= pg_snapshot_xmax(s.before)
                    and c.xid < pg_snapshot_xmax(s.at_end)
                    and pg_visible_in_snapshot(c.xid, s.at_end)
                order by c.xid
                limit %(most)s::bigint
            )
        ) as x
    group by x.xid
    order by x.xid
    limit %(most)s::bigint
),

-- Were running then: a few, each looked up by itself.
running as materialized (
    select distinct r.xid
    from span as s
    cross join lateral pg_snapshot_xip(s.before) as r (xid)
    cross join unnest(%(places)s::text[]) as p (place)
    cross join
        lateral (
            (
                select true as is_there
                from floorcast.change as c
                where c.warehouse = p.place and c.xid = r.xid
                order by c.seq
                limit 1
            )
            union all
            (
                select true
                from floorcast.change as c
                where c.old_warehouse = p.place and c.xid = r.xid
                order by c.seq
                limit 1
            )
        ) as x
    where x.is_there and pg_visible_in_snapshot(r.xid, s.at_end)
),

reach as materialized (
    select
        coalesce(
            (
                select t.tick
                from floorcast.tick as t
                where
                    (select count(*) from begun) >= %(most)s::bigint
                    and t.tick >= s.after
                    and pg_snapshot_xmax(t.snapshot) <= (
                        select b.xid from begun as b
                        order by b.xid desc
                        limit 1
                    )
                order by pg_snapshot_xmax(t.snapshot) desc
                limit 1
            ),
            s.upto
        ) as tick
    from span as s
),

-- A transaction is seen first between a tick that does not see it and one that does. Its number was drawn before the first tick
-- that reaches past it, which nearly always is the one; what was open for longer is found by halving behind that.
-- Every lookup stands in a subquery that ends after one row, or that counts and leaves nothing out: the planner, which cannot know
-- how many ticks there are, has no way left but the index. Joined, it would compare each with each.
search (xid, unseen, seen, next, closed_at, count, bytes) as (
    select
        b.xid,
        case when n.is_seen then n.tick - 1 else n.tick end,
        case when n.is_seen then n.tick else s.upto end,
        n.tick + 1,
        case when n.is_seen then n.closed_at else s.closed_at end,
        case when n.is_seen then n.count else s.count end,
        case when n.is_seen then n.bytes else s.bytes end
    from span as s
    cross join begun as b
    cross join
        lateral (
            select
                t.tick,
                t.closed_at,
                t.count,
                t.bytes,
                pg_visible_in_snapshot(b.xid, t.snapshot) as is_seen
            from floorcast.tick as t
            where t.tick > s.after and pg_snapshot_xmax(t.snapshot) > b.xid
            order by pg_snapshot_xmax(t.snapshot)
            limit 1
        ) as n
    union all
    select
        r.xid,
        s.after,
        s.upto,
        s.after + 1,
        s.closed_at,
        s.count,
        s.bytes
    from span as s
    cross join running as r
    union all
    select
        n.xid,
        case when m.is_seen then n.unseen else n.next end,
        case when m.is_seen then m.tick else n.seen end,
        case when m.is_seen then n.unseen + m.tick else n.next + n.seen end / 2,
        case when m.is_seen then m.closed_at else n.closed_at end,
        case when m.is_seen then m.count else n.count end,
        case when m.is_seen then m.bytes else n.bytes end
    from search as n
    cross join
        lateral (
            -- A number that is not there (somebody removed ticks) counts as the tick before it.
            select
                t.tick,
                t.closed_at,
                t.count,
                t.bytes,
                pg_visible_in_snapshot(n.xid, t.snapshot) as is_seen
            from floorcast.tick as t
            where t.tick <= n.next
            order by t.tick desc
            limit 1
        ) as m
    where n.seen - n.unseen > 1
),

found as materialized (
    select
        n.xid,
        n.seen as tick,
        n.closed_at,
        n.count,
        n.bytes,
        n.count > %(largest_count)s or n.bytes > %(largest_bytes)s as is_large
    from reach as r
    cross join search as n
    where n.seen - n.unseen = 1 and n.seen <= r.tick
),

-- Where these ticks have little in all, it is read at once, and nobody needs to look how much of it concerns these places.
tallied as materialized (
    select
        f.tick,
        min(f.count) as count,
        min(f.bytes) as bytes
    from found as f
    where not f.is_large
    group by f.tick
),

whole as materialized (
    select sum(x.count) <= %(enough_count)s and sum(x.bytes) <= %(enough_bytes)s as is_little from tallied as x
),

sized as (
    select
        n.tick,
        n.closed_at,
        n.count,
        n.bytes,
        n.xid,
        z.told,
        z.size
    from found as n
    cross join whole as w
    cross join
        lateral (
            select
                count(*) filter (where o.is_one) as told,
                sum(coalesce(pg_column_size(c.old), 0) + coalesce(pg_column_size(c.new), 0)) filter (
                    where o.is_one
                ) as size
            from floorcast.change as c
            cross join
                lateral (
                    select
                        coalesce(
                            c.warehouse = any(%(places)s::text[]) or c.old_warehouse = any(%(places)s::text[]), false
                        ) as is_one
                ) as o
            -- In here, since what a join leaves out was read all the same.
            where c.xid = n.xid and not n.is_large and not w.is_little
        ) as z
),

told as (
    select
        n.tick,
        n.closed_at,
        n.count,
        n.bytes,
        string_agg(n.xid::text, ',') as xids,
        coalesce(sum(n.told), 0)::bigint as told,
        coalesce(sum(n.size), 0)::bigint as size
    from sized as n
    group by n.tick, n.closed_at, n.count, n.bytes
)

select
    r.tick as reached,
    t.tick,
    floorcast.iso(t.closed_at) as at,
    t.count,
    t.bytes,
    t.xids,
    t.told,
    t.size
from reach as r
left join told as t on true
order by t.tick;
