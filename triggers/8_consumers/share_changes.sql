-- What some ticks brought to a share of a consumer, with its position, before anybody's rights are looked at: before_place and
-- after_place are the consumer's warehouses in which the row was to be seen before and after, null for none.
--
-- A tick is counted through before anything is left out, so that a change has the position that everybody knows it by. A retired
-- row is nowhere; nor is a row in a warehouse that it only passed through inside its transaction, where no committed state showed it.
create or replace function floorcast.share_changes(
    consumer floorcast.consumer, share integer, tables text[], after bigint, upto bigint
)
returns table (
    tick bigint,
    n bigint,
    closed_at timestamptz,
    change floorcast.change,
    before_place text,
    after_place text
)
stable
security invoker
rows 100
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
language sql
as $$
    with counted as (
        select
            c.tick,
            c.closed_at,
            c.change,
            row_number() over (partition by c.tick order by c.last_seq, c.seq) as n
        from (
            select
                t.tick,
                t.closed_at,
                b.seq,
                (b.*)::floorcast.change as change,
                max(b.seq) over (partition by t.tick, b.xid) as last_seq
            from floorcast.tick as t
            inner join floorcast.tick as p on p.tick = t.tick - 1
            cross join lateral floorcast.changes_between(p.snapshot, t.snapshot) as b
            where t.tick > share_changes.after and t.tick <= share_changes.upto
        ) as c
    ),
    concerned as (
        select g.*
        from (
            select
                c.*,
                (c.change).xid as xid,
                (c.change).table_name as table_name,
                (c.change).key::text as key_text,
                bool_or(coalesce(
                    (c.change).warehouse = any((share_changes.consumer).warehouses)
                    or (c.change).old_warehouse = any((share_changes.consumer).warehouses),
                    false
                )) over same as is_concerned,
                bool_or((c.change).old_warehouse is not null) over same as is_moved,
                count(*) over same as length,
                case
                    when (c.change).op = 'insert' or (c.change).old_retired then null
                    else coalesce((c.change).old_warehouse, (c.change).warehouse)
                end as before,
                case when (c.change).op <> 'delete' and not (c.change).retired then (c.change).warehouse end as after
            from counted as c
            where
                (c.change).table_name = any(share_changes.tables)
                and (
                    (share_changes.consumer).shares = 1
                    or floorcast.share_of(
                        (c.change).table_name, (c.change).key::text, (share_changes.consumer).shares
                    ) = share_changes.share
                )
            window same as (partition by c.tick, (c.change).xid, (c.change).table_name, (c.change).key::text)
        ) as g
        where g.is_concerned
    ),
    chains as (
        select
            c.tick,
            c.xid,
            c.table_name,
            c.key_text,
            array_agg(c.n order by c.n) as places,
            floorcast.chain_order(
                array_agg(coalesce((c.change).old::text, '') order by c.n),
                array_agg(coalesce((c.change).new::text, '') order by c.n)
            ) as ordered
        from concerned as c
        where c.length > 1
        group by c.tick, c.xid, c.table_name, c.key_text
    ),
    told as (
        select
            p.*,
            first_value(p.before) over whole as home_before,
            last_value(p.after) over whole as home_after
        from (
            select
                c.tick,
                c.closed_at,
                c.change,
                c.xid,
                c.table_name,
                c.key_text,
                c.before,
                c.after,
                c.length > 1 and c.is_moved as has_homes,
                coalesce(h.places[array_position(h.ordered, array_position(h.places, c.n))], c.n) as n
            from concerned as c
            left join chains as h
                on
                    c.length > 1
                    and h.tick = c.tick and h.xid = c.xid and h.table_name = c.table_name and h.key_text = c.key_text
        ) as p
        window whole as (
            partition by p.tick, p.xid, p.table_name, p.key_text
            order by p.n
            rows between unbounded preceding and unbounded following
        )
    ),
    placed as (
        select
            t.tick,
            t.n,
            t.closed_at,
            t.change,
            case
                when
                    t.before = any((share_changes.consumer).warehouses)
                    and (not t.has_homes or t.before in (t.home_before, t.home_after))
                    then t.before
            end as before_place,
            case
                when
                    t.after = any((share_changes.consumer).warehouses)
                    and (not t.has_homes or t.after in (t.home_before, t.home_after))
                    then t.after
            end as after_place
        from told as t
    )
    select p.*
    from placed as p
    where p.before_place is not null or p.after_place is not null
    order by p.tick, p.n
$$;

comment on function floorcast.share_changes(floorcast.consumer, integer, text[], bigint, bigint) is
'Changes of some ticks that concern a share of a consumer, in order, before rights are looked at.';

revoke execute on function floorcast.share_changes(floorcast.consumer, integer, text[], bigint, bigint) from public;
