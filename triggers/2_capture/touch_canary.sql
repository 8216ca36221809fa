-- Writes the next canary, a change that only tells that changes arrive; called by gateways that have not seen one for a while.
-- If the newest is younger than so many seconds it is left at that, so that many gateways whose feed has stopped write no more
-- than one. Returns the newest canary's beat, which is committed then or with this call, and whether this call wrote it.
-- Definer: who calls it says when, and writes nothing of his own.
create or replace function floorcast.touch_canary(seconds double precision)
returns table (beat bigint, written boolean)
volatile
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _newest floorcast.canary;
    _now constant timestamptz := clock_timestamp();
begin
    select c.* into _newest from floorcast.canary as c order by c.beat desc limit 1;
    beat := coalesce(_newest.beat, 0);
    -- One from the future is not young: the clock was set back.
    written := _newest.written_at is null
        or not _newest.written_at between _now - make_interval(secs => touch_canary.seconds) and _now;
    if written then
        beat := beat + 1;
        -- Another gateway at the same moment takes the same slot, waits here, and finds it written.
        insert into floorcast.canary as c (slot, beat, written_at)
        values (touch_canary.beat % 1000, touch_canary.beat, _now)
        on conflict (slot) do update set beat = excluded.beat, written_at = excluded.written_at
        where c.beat < excluded.beat;
        written := found;
    end if;
    return next;
end;
$$;

comment on function floorcast.touch_canary(double precision) is
'Writes the next canary unless the newest is younger than so many seconds; returns its beat, and whether it was written now.';

revoke execute on function floorcast.touch_canary(double precision) from public;
grant execute on function floorcast.touch_canary(double precision) to floorcast_gateway;
