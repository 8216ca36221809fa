-- A point in time as every frame and picture writes it: ISO 8601, UTC, microseconds.
create or replace function floorcast.iso(moment timestamptz)
returns text
stable
security invoker
language sql
begin atomic
    select to_char(iso.moment at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"');
end;

comment on function floorcast.iso(timestamptz) is 'ISO 8601 in UTC to the microsecond.';

revoke execute on function floorcast.iso(timestamptz) from public;
grant execute on function floorcast.iso(timestamptz) to authenticated, service_role, floorcast_relay, floorcast_gateway;
