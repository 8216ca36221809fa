-- What ticks of the past brought to some places, exactly as it was delivered live. Parameters are psycopg's %(name)s.

-- name: changes_of_places
-- Of some transactions in some ticks, none of them large: all changes of the rows that concern some places, with their places in
-- their ticks. All, since what became of a row inside a transaction is only seen in its whole chain.
-- To count a tick through, its other transactions are looked at in the index alone. Behind the tick, columns are as in `Change`.
with chosen as materialized (
    select
        x.xid,
        x.tick
    from unnest(string_to_array(%(xids)s, ',')::xid8[], string_to_array(%(ticks)s, ',')::bigint[]) as x (xid, tick)
),

-- Each is looked up by itself: joined, all ticks there are would be read.
cut as materialized (
    select
        x.tick,
        a.snapshot as before,
        u.snapshot as at_end
    from (select distinct x.tick from chosen as x) as x
    cross join
        lateral (
            select t.snapshot from floorcast.tick as t
            where t.tick = x.tick
            order by t.tick
            limit 1
        ) as u
    cross join
        lateral (
            select t.snapshot from floorcast.tick as t
            where t.tick = x.tick - 1
            order by t.tick
            limit 1
        ) as a
),

-- Every transaction of these ticks: how many changes come before it.
counted as (
    select
        x.tick,
        x.xid,
        x.changes,
        sum(x.changes) over (partition by x.tick order by x.last_seq) - x.changes as before
    from (
        select
            x.tick,
            c.xid,
            count(*) as changes,
            max(c.seq) as last_seq
        from cut as x
        cross join lateral floorcast.changes_between(x.before, x.at_end) as c
        group by x.tick, c.xid
    ) as x
),

-- Those that were chosen. Not a join: the planner cannot know how many there are, and would compare each with each.
begun as materialized (
    select
        x.tick,
        x.xid,
        max(x.changes) as changes,
        max(x.before) as before
    from (
        select
            n.tick,
            n.xid,
            n.changes,
            n.before,
            false as is_chosen
        from counted as n
        union all
        select
            x.tick,
            x.xid,
            0,
            0,
            true
        from chosen as x
    ) as x
    group by x.tick, x.xid
    having bool_or(x.is_chosen)
),

told as (
    -- Most have one change, and need no order.
    select
        b.tick,
        b.before,
        1 as place,
        true as is_concerned,
        c.*
    from begun as b
    cross join
        lateral (
            select c.* from floorcast.change as c
            where c.xid = b.xid
            order by c.seq
            limit 1
        ) as c
    where b.changes = 1
    union all
    select
        b.tick,
        b.before,
        c.*
    from begun as b
    cross join
        lateral (
            select
                row_number() over (order by c.seq) as place,
                bool_or(
                    coalesce(c.warehouse = any(%(places)s::text[]) or c.old_warehouse = any(%(places)s::text[]), false)
                )
                    over (partition by c.table_name, c.key::text)
                    as is_concerned,
                c.*
            from floorcast.change as c
            where c.xid = b.xid
        ) as c
    where b.changes > 1
)

select
    t.tick,
    (t.before + t.place)::bigint as n,
    t.xid::text as xid,
    t.seq,
    t.table_name,
    t.op,
    t.key::text as key,
    t.warehouse,
    t.old_warehouse,
    t.actor,
    floorcast.iso(t.at) as at,
    t.old::text as old,
    t.new::text as new,
    t.retired,
    t.old_retired
from told as t
where t.is_concerned
order by t.tick, t.before + t.place;

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
