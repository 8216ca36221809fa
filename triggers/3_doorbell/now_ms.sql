-- The one clock of doorbell and leadership: the server's, in milliseconds.
create or replace function floorcast.now_ms()
returns bigint
volatile
security invoker
language sql
begin atomic
    select (extract(epoch from clock_timestamp()) * 1000)::bigint;
end;

comment on function floorcast.now_ms() is 'The server''s clock in milliseconds since 1970.';

revoke execute on function floorcast.now_ms() from public;
grant execute on function floorcast.now_ms() to floorcast_relay, floorcast_gateway;
