-- Advisory lock of the leading relay, held by its session.
create or replace function floorcast.leader_lock()
returns bigint
immutable
security invoker
language sql
begin atomic
    select 7310314700002;
end;

comment on function floorcast.leader_lock() is 'Key of the advisory lock that the leading relay holds.';

revoke execute on function floorcast.leader_lock() from public;
grant execute on function floorcast.leader_lock() to floorcast_relay, floorcast_gateway;
