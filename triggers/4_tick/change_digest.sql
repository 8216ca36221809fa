-- The bytes of one change that a seal covers: a JSON array, so that no two different changes have the same text.
-- Times are written in UTC to the microsecond, whatever the session's settings.
-- Two versions of the input: the first for a change that has none of the facts that the trail learnt to keep later, so that
-- what was sealed before they were there is still what its seal says; the second with them.
create or replace function floorcast.change_digest(change floorcast.change)
returns bytea
stable
security invoker
language sql
begin atomic
    select sha256(convert_to(case
        when change.request_id is null and not change.retired and not change.old_retired
            then
                json_build_array(
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
                )
        else json_build_array(
            2,
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
            change.new,
            change.request_id,
            change.retired,
            change.old_retired
        )
    end::text, 'UTF8'));
end;

comment on function floorcast.change_digest(floorcast.change) is 'sha256 of one change, input of the seal of its tick.';

revoke execute on function floorcast.change_digest(floorcast.change) from public;
grant execute on function floorcast.change_digest(floorcast.change) to floorcast_relay, floorcast_gateway;
