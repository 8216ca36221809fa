-- Closes a tick: cuts the trail at this statement's snapshot, seals it, and returns it with its changes.
-- Called by the leading relay alone, which took its lock in an earlier statement.
--
-- One statement, one snapshot: the previous tick's number is read no later than the snapshot is taken, so a relay that
-- lost its lead without knowing collides on the primary key instead of cutting the trail twice.
-- Nothing new: no row, no tick, no xid.
-- closed_at is when the statement arrived, which is before its snapshot: all that had committed by then is in the tick
-- or before it, so the tick itself is progress.
-- Sequential scans are off because a leader keeps its plans: one made while a partition was empty would read all of it,
-- tick after tick, once it is full.
-- A tick larger than the limits comes without its changes (one row, n null): readers page through it.

-- What a function returns cannot be replaced: one of an earlier version, which returned less, has to go first.
drop function if exists floorcast.close_tick(bigint, bigint);

create or replace function floorcast.close_tick(largest_count bigint, largest_bytes bigint)
returns table (
    tick bigint,
    previous_seal text,
    seal text,
    closed_at text,
    count bigint,
    bytes bigint,
    n bigint,
    xid text,
    seq bigint,
    table_name text,
    op text,
    key text,
    warehouse text,
    old_warehouse text,
    actor text,
    at text,
    old text,
    new text,
    retired boolean,
    old_retired boolean
)
volatile
security invoker
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
language sql
as $$
    with newest as materialized (
        select t.tick, t.snapshot, t.seal
        from floorcast.tick as t
        order by t.tick desc
        limit 1
    ),
    cut as materialized (
        select pg_current_snapshot() as snapshot
    ),
    fresh as materialized (
        -- Transactions whole, in the order of their last change: a writer touches another's row only after its commit.
        select
            row_number() over (order by c.last_seq, c.seq) as n,
            c.last_seq,
            c.change
        from (
            select
                (b.*)::floorcast.change as change,
                b.seq,
                max(b.seq) over (partition by b.xid) as last_seq
            from newest
            cross join cut
            cross join lateral floorcast.changes_between(newest.snapshot, cut.snapshot) as b
        ) as c
    ),
    total as materialized (
        -- A digest for each transaction first: all changes of a long absence would not fit into one value.
        select
            sum(x.count) as count,
            sum(x.bytes) as bytes,
            string_agg(sha256(x.digests), ''::bytea order by x.last_seq) as digests
        from (
            select
                f.last_seq,
                count(*) as count,
                sum(
                    coalesce(octet_length((f.change).old::text), 0) + coalesce(octet_length((f.change).new::text), 0)
                ) as bytes,
                string_agg(floorcast.change_digest(f.change), ''::bytea order by f.n) as digests
            from fresh as f
            group by f.last_seq
        ) as x
    ),
    closed as (
        insert into floorcast.tick (tick, snapshot, count, bytes, seal, closed_at)
        select
            newest.tick + 1,
            cut.snapshot,
            total.count,
            total.bytes,
            floorcast.tick_seal(
                newest.seal, newest.tick + 1, cut.snapshot, total.digests, statement_timestamp()
            ),
            statement_timestamp()
        from newest
        cross join cut
        cross join total
        where total.count > 0
        returning tick.tick, tick.count, tick.bytes, tick.seal, tick.closed_at
    )
    select
        closed.tick,
        encode(newest.seal, 'hex'),
        encode(closed.seal, 'hex'),
        floorcast.iso(closed.closed_at),
        closed.count,
        closed.bytes,
        f.n,
        (f.change).xid::text,
        (f.change).seq,
        (f.change).table_name,
        (f.change).op,
        (f.change).key::text,
        (f.change).warehouse,
        (f.change).old_warehouse,
        (f.change).actor,
        floorcast.iso((f.change).at),
        (f.change).old::text,
        (f.change).new::text,
        (f.change).retired,
        (f.change).old_retired
    from closed
    cross join newest
    left join fresh as f
        on closed.count <= close_tick.largest_count and closed.bytes <= close_tick.largest_bytes
    order by f.n
$$;

comment on function floorcast.close_tick(bigint, bigint) is
'Closes the next tick if there is anything new; returns it with its changes unless it is too large.';

revoke execute on function floorcast.close_tick(bigint, bigint) from public;
grant execute on function floorcast.close_tick(bigint, bigint) to floorcast_relay;
