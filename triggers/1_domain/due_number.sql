-- The number of the newest due at or before a time; -1 before the anchor. The next due is that of the number after it.
--
-- A division guesses, and the dues around the guess are looked at: months differ in length and days with a change of clocks
-- do too, so that no division is exact; and no loop, however long nobody ran the job.
--
-- Called by whatever reckons with schedules. Reads nothing.
create or replace function floorcast.due_number(
    anchor timestamptz, schedule_type text, frequency integer, time_zone text, at timestamptz
)
returns integer
stable
security invoker
set search_path = pg_catalog, pg_temp
language sql
as $$
    with local as (
        select
            due_number.anchor at time zone due_number.time_zone as first,
            due_number.at at time zone due_number.time_zone as later
    ),
    guess as (
        select floor(
            case due_number.schedule_type
                when 'months' then
                    12 * (extract(year from l.later) - extract(year from l.first))
                    + extract(month from l.later) - extract(month from l.first)
                when 'weeks' then extract(epoch from l.later - l.first) / 604800
                when 'days' then extract(epoch from l.later - l.first) / 86400
            end / due_number.frequency
        )::integer as number
        from local as l
    )
    select coalesce(max(n.number), -1)
    from guess as g
    cross join lateral generate_series(greatest(g.number - 1, 0), g.number + 1) as n (number)
    where
        floorcast.due(
            due_number.anchor, due_number.schedule_type, due_number.frequency, due_number.time_zone, n.number
        ) <= due_number.at
$$;

comment on function floorcast.due_number(timestamptz, text, integer, text, timestamptz) is
'The number of the newest due at or before a time; -1 before the anchor. See floorcast.due.';

revoke execute on function floorcast.due_number(timestamptz, text, integer, text, timestamptz) from public;
