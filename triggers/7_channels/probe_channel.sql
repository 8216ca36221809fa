-- Puts one message of each extension into a private room, for a transaction that is rolled back: whether somebody sees them is how a
-- gateway learns whether policies let him read there. Without an event, so they are told to nobody and nothing rings.
-- Definer: no policy lets the gateway's role write messages, and none needs to know of it.
create or replace function floorcast.probe_channel(topic text)
returns uuid[]
volatile
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _probes constant uuid[] := array[gen_random_uuid(), gen_random_uuid()];
begin
    insert into realtime.messages (id, topic, extension, private)
    values (_probes[1], probe_channel.topic, 'broadcast', true), (_probes[2], probe_channel.topic, 'presence', true);
    return _probes;
end;
$$;

comment on function floorcast.probe_channel(text) is
'Puts a message of each extension into a room, for a transaction that is rolled back; returns their ids, broadcast first.';

revoke execute on function floorcast.probe_channel(text) from public;
grant execute on function floorcast.probe_channel(text) to floorcast_gateway;
