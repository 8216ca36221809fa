-- Advisory lock K of the doorbell. An idle relay holds it exclusively; a writer that stays silent holds it shared to
-- the end of its transaction, which is the proof that the relay cannot fall asleep over what that writer did.
create or replace function floorcast.silence_lock()
returns bigint
immutable
security invoker
language sql
begin atomic
    select 7310314700001;
end;

comment on function floorcast.silence_lock() is 'Key of the advisory lock between silent writers and an idle relay.';

revoke execute on function floorcast.silence_lock() from public;
grant execute on function floorcast.silence_lock() to floorcast_relay, floorcast_gateway;
