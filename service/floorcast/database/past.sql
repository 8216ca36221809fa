-- What the trail has of the past of some places: warehouses, organization:<id>, user:<id>. Parameters are psycopg's %(name)s.
-- None of these reads what lies between and concerns others: places are looked up by index, ticks by halving.

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
        u.snapshot as at_end
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

-- A transaction is seen first between a tick that does not see it and one that does. Where its number was drawn later than the
-- one was closed, it is nearly always the next; it is looked at first, and what was open for longer is found by halving.
search (xid, unseen, seen, next) as (
    select
        b.xid,
        l.tick,
        s.upto,
        l.tick + 1
    from span as s
    cross join begun as b
    cross join
        lateral (
            select t.tick
            from floorcast.tick as t
            where t.tick >= s.after and pg_snapshot_xmax(t.snapshot) <= b.xid
            order by pg_snapshot_xmax(t.snapshot) desc
            limit 1
        ) as l
    union all
    select
        r.xid,
        s.after,
        s.upto,
        s.after + 1
    from span as s
    cross join running as r
    union all
    select
        n.xid,
        case when m.is_seen then n.unseen else n.next end,
        case when m.is_seen then n.next else n.seen end,
        case when m.is_seen then n.unseen + n.next else n.next + n.seen end / 2
    from search as n
    cross join
        lateral (
            -- A number that is not there (somebody removed ticks) counts as the tick before it.
            select pg_visible_in_snapshot(n.xid, t.snapshot) as is_seen
            from floorcast.tick as t
            where t.tick <= n.next
            order by t.tick desc
            limit 1
        ) as m
    where n.seen - n.unseen > 1
)

select
    r.tick as reached,
    t.tick,
    t.at,
    t.count,
    t.bytes,
    t.xids,
    t.told,
    t.size
from reach as r
left join lateral (
    select
        t.tick,
        floorcast.iso(t.closed_at) as at,
        t.count,
        t.bytes,
        array_agg(n.xid::text) as xids,
        sum(z.told)::bigint as told,
        sum(z.size)::bigint as size
    from search as n
    join floorcast.tick as t on t.tick = n.seen
    left join lateral (
        select
            count(*) as told,
            sum(coalesce(pg_column_size(c.old), 0) + coalesce(pg_column_size(c.new), 0)) as size
        from floorcast.change as c
        where
            c.xid = n.xid
            and (c.warehouse = any(%(places)s::text[]) or c.old_warehouse = any(%(places)s::text[]))
    ) as z on t.count <= %(largest_count)s and t.bytes <= %(largest_bytes)s
    where n.seen - n.unseen = 1 and n.seen <= r.tick
    group by t.tick
) as t on true
order by t.tick;

-- name: changes_of_places
-- Of some transactions in some ticks, none of them large: all changes of the rows that concern some places, with their places in
-- their ticks. All, since what became of a row inside a transaction is only seen in its whole chain.
-- To count a tick through, its other transactions are looked at in the index alone.
with chosen as materialized (
    select
        x.xid::xid8 as xid,
        x.tick
    from unnest(%(xids)s::text[], %(ticks)s::bigint[]) as x (xid, tick)
),

-- Every transaction of these ticks: how many changes come before it.
counted as (
    select
        x.tick,
        x.xid,
        sum(x.changes) over (partition by x.tick order by x.last_seq) - x.changes as before
    from (
        select
            t.tick,
            c.xid,
            count(*) as changes,
            max(c.seq) as last_seq
        from (select distinct x.tick from chosen as x) as x
        join floorcast.tick as t on t.tick = x.tick
        join floorcast.tick as p on p.tick = x.tick - 1
        cross join lateral floorcast.changes_between(p.snapshot, t.snapshot) as c
        group by t.tick, c.xid
    ) as x
),

-- Those that were chosen. Not a join: the planner cannot know how many there are, and would compare each with each.
begun as (
    select
        x.tick,
        x.xid,
        max(x.before) as before
    from (
        select
            n.tick,
            n.xid,
            n.before,
            false as is_chosen
        from counted as n
        union all
        select
            x.tick,
            x.xid,
            0,
            true
        from chosen as x
    ) as x
    group by x.tick, x.xid
    having bool_or(x.is_chosen)
)

select
    b.tick,
    (b.before + c.n)::bigint as n,
    b.xid::text as xid,
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
from begun as b
cross join
    lateral (
        select
            c.*,
            row_number() over (order by c.seq) as n,
            bool_or(coalesce(c.warehouse = any(%(places)s::text[]) or c.old_warehouse = any(%(places)s::text[]), false))
                over (partition by c.table_name, c.key::text)
                as is_concerned
        from floorcast.change as c
        where c.xid = b.xid
    ) as c
where c.is_concerned
order by b.tick, b.before + c.n;

-- name: page_of_places
-- The same of a page of a large tick: some of its transactions, whole and in their order, `first` changes into the tick. The
-- first row says how many changes they have in all.
with counted as materialized (
    select
        x.xid,
        x.changes,
        sum(x.changes) over (order by x.place) - x.changes as before
    from (
        select
            x.xid::xid8 as xid,
            x.place,
            count(c.seq) as changes
        from unnest(%(xids)s::text[]) with ordinality as x (xid, place)
        left join floorcast.change as c on c.xid = x.xid::xid8
        group by x.xid, x.place
    ) as x
),

told as (
    select
        (%(first)s + n.before + c.n)::bigint as n,
        n.xid::text as xid,
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
    from counted as n
    cross join
        lateral (
            select
                c.*,
                row_number() over (order by c.seq) as n,
                bool_or(
                    coalesce(c.warehouse = any(%(places)s::text[]) or c.old_warehouse = any(%(places)s::text[]), false)
                )
                    over (partition by c.table_name, c.key::text)
                    as is_concerned
            from floorcast.change as c
            where c.xid = n.xid
        ) as c
    where c.is_concerned
),

whole as (
    select sum(n.changes)::bigint as total from counted as n
)

select
    w.total,
    t.*
from whole as w
left join told as t on true
order by t.n;

-- name: piece_of_places
-- The same of a piece of one transaction that is larger than a page, cut as queries.sql cuts it. The first row says how many
-- changes the piece has in all, and with which it ends.
with piece as (
    select
        c.*,
        coalesce(octet_length(c.old::text), 0) + coalesce(octet_length(c.new::text), 0) as size
    from floorcast.change as c
    where c.xid = %(xid)s::xid8 and c.seq > %(after)s
    order by c.seq
    limit %(count)s
),

cut as materialized (
    select
        p.*,
        row_number() over (order by p.seq) as n,
        bool_or(coalesce(p.warehouse = any(%(places)s::text[]) or p.old_warehouse = any(%(places)s::text[]), false))
            over (partition by p.table_name, p.key::text)
            as is_concerned
    from (
        select
            p.*,
            sum(p.size) over (order by p.seq) - p.size as bytes_before
        from piece as p
    ) as p
    where p.bytes_before < %(bytes)s
),

told as (
    select
        (%(first)s + k.n)::bigint as n,
        k.xid::text as xid,
        k.seq,
        k.table_name,
        k.op,
        k.key::text as key,
        k.warehouse,
        k.old_warehouse,
        k.actor,
        floorcast.iso(k.at) as at,
        k.old::text as old,
        k.new::text as new,
        k.retired,
        k.old_retired
    from cut as k
    where k.is_concerned
),

whole as (
    select
        count(*) as total,
        max(k.seq) as last_seq
    from cut as k
)

select
    w.total,
    w.last_seq,
    t.*
from whole as w
left join told as t on true
order by t.n;

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
