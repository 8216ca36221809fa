-- Removes a consumer with its positions and what it parked; returns whether it was there. Nothing keeps the trail for it any more.
create or replace function floorcast.remove_consumer(consumer text)
returns boolean
volatile
-- definer: nobody may write consumers; it removes those of the caller.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _consumer constant floorcast.consumer := floorcast.my_consumer(remove_consumer.consumer);
begin
    delete from floorcast.consumer as c where c.name = _consumer.name;
    return found;
end;
$$;

comment on function floorcast.remove_consumer(text) is 'Removes a consumer, its positions and what it parked.';

revoke execute on function floorcast.remove_consumer(text) from public;
grant execute on function floorcast.remove_consumer(text) to authenticated, service_role;
