-- When something is really due: what falls into a blackout is due when that ends. One without an end postpones nothing.
--
-- Called by whatever reckons with schedules. Reads nothing.
create or replace function floorcast.due_after_blackout(blackout tstzmultirange, due timestamptz)
returns timestamptz
stable
security invoker
set search_path = pg_catalog, pg_temp
language sql
as $$
    select coalesce(
        (
            select upper(b.period)
            from unnest(due_after_blackout.blackout) as b (period)
            where b.period @> due_after_blackout.due and isfinite(upper(b.period))
        ),
        due_after_blackout.due
    )
$$;

comment on function floorcast.due_after_blackout(tstzmultirange, timestamptz) is
'The due, or the end of the blackout that it falls into.';

revoke execute on function floorcast.due_after_blackout(tstzmultirange, timestamptz) from public;
