-- The bytes of one change that a seal covers: a JSON array, so that no two different changes have the same text.
-- Times are written in UTC to the microsecond, whatever the session's settings. Version 1 of the input.
create or replace function floorcast.change_digest(change floorcast.change)
returns bytea
stable
security invoker
language sql
begin atomic
    select sha256(convert_to(json_build_array(
        1,
        change.xid::text,
        change.seq,
        to_char(change.at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        change.op,
        change.table_name,
        change.key,
        change.warehouse,
        change.old_warehouse,
        change.actor,
        change.old,
        change.new
    )::text, 'UTF8'));
end;

comment on function floorcast.change_digest(floorcast.change) is 'sha256 of one change, input of the seal of its tick.';
