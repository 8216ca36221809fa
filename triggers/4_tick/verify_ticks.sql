-- Seals ticks again from what the trail says now, to compare: the ticks after one, ascending, as many as asked for.
-- Called by `floorcast audit verify`, which walks the chain. One tick at a time, in memory no more than its digests.
-- A tick whose predecessor is gone cannot be sealed again: is_whole is null. Tick 0 is the beginning, and has a seal that
-- everybody knows. Seals of versions that did not cover closed_at hold too; whoever changes closed_at cannot make a seal one of
-- those, since it was computed with it.
create or replace function floorcast.verify_ticks(after bigint, largest_count bigint)
returns table (
    tick bigint,
    seal bytea,
    closed_at timestamptz,
    count bigint,
    bytes bigint,
    found_count bigint,
    found_bytes bigint,
    is_whole boolean
)
stable
security invoker
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
language sql
as $$
    select
        t.tick,
        t.seal,
        t.closed_at,
        t.count,
        t.bytes,
        f.count,
        f.bytes,
        case
            when t.tick = 0 then t.seal = sha256('floorcast')
            else t.seal in (
                floorcast.tick_seal(p.seal, t.tick, t.snapshot, f.digests, t.closed_at),
                floorcast.tick_seal(p.seal, t.tick, t.snapshot, f.digests, null)
            )
        end
    from (
        select a.*
        from floorcast.tick as a
        where a.tick > verify_ticks.after
        order by a.tick
        limit verify_ticks.largest_count
    ) as t
    left join floorcast.tick as p on p.tick = t.tick - 1
    cross join lateral (
        -- In the order of close_tick: transactions by their last change.
        select
            coalesce(sum(x.count), 0)::bigint as count,
            coalesce(sum(x.bytes), 0)::bigint as bytes,
            coalesce(string_agg(sha256(x.digests), ''::bytea order by x.last_seq), ''::bytea) as digests
        from (
            select
                max(c.seq) as last_seq,
                count(*) as count,
                sum(coalesce(octet_length(c.old::text), 0) + coalesce(octet_length(c.new::text), 0)) as bytes,
                string_agg(floorcast.change_digest(c), ''::bytea order by c.seq) as digests
            from floorcast.changes_between(p.snapshot, t.snapshot) as c
            group by c.xid
        ) as x
    ) as f
    order by t.tick
$$;

comment on function floorcast.verify_ticks(bigint, bigint) is
'Ticks after one as they were sealed and as the trail has them now; is_whole says whether the seal still holds.';

revoke execute on function floorcast.verify_ticks(bigint, bigint) from public;
grant execute on function floorcast.verify_ticks(bigint, bigint) to floorcast_relay, floorcast_gateway;
