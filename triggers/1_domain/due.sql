-- A due of a calendar: the anchor and so many steps of days, weeks or months after it. Number 0 is the anchor itself.
--
-- Counted from the anchor and not from the due before: a month after the 31st of January is the 28th of February, and a month
-- after that must be the 31st of March again. Counted where the machine stands: six in the morning stays six in the morning
-- when clocks change.
--
-- Called by whatever reckons with schedules. Reads nothing.
create or replace function floorcast.due(
    anchor timestamptz, schedule_type text, frequency integer, time_zone text, number integer
)
returns timestamptz
stable
security invoker
set search_path = pg_catalog, pg_temp
language sql
as $$
    select case
        -- As it is: in the hour that autumn has twice, a way through local time would come back as the other one.
        when due.number = 0 then due.anchor
        else (
            (due.anchor at time zone due.time_zone) + case due.schedule_type
                when 'months' then make_interval(months := due.frequency * due.number)
                when 'weeks' then make_interval(days := 7 * due.frequency * due.number)
                when 'days' then make_interval(days := due.frequency * due.number)
            end
        ) at time zone due.time_zone
    end
$$;

comment on function floorcast.due(timestamptz, text, integer, text, integer) is
'The due of that number: anchor + number × frequency days, weeks or months, in local time. Months keep the anchor''s day.';

revoke execute on function floorcast.due(timestamptz, text, integer, text, integer) from public;
