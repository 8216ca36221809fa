-- The tick from which on the trail has to be kept for consumers; null: none needs anything. Whoever removes what is old asks this and
-- keeps that tick, whatever is behind it, and all that it does not see.
-- A consumer that is further behind than its owner was told is not waited for: what it lost is gone, and it is told so (PT410).
create or replace function floorcast.needed_tick()
returns bigint
stable
-- definer: processes read no consumers.
security definer
set search_path = pg_catalog, pg_temp
language sql
as $$
    select min(greatest(
        s.tick,
        -- Nothing was closed before that: all of it is younger than the limit.
        coalesce(floorcast.tick_at(clock_timestamp() - c.keep), 0)
    ))
    from floorcast.consumer as c
    inner join floorcast.consumer_share as s on s.consumer = c.name
$$;

comment on function floorcast.needed_tick() is
'The tick from which on the trail is kept for consumers, within the limits that their owners were told; null for none.';

revoke execute on function floorcast.needed_tick() from public;
grant execute on function floorcast.needed_tick() to floorcast_maintain;
