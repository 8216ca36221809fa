-- Gives up a parked change: it is not told again, and what follows of its row goes on. Returns whether it was there.
create or replace function floorcast.drop_parked(consumer text, id bigint)
returns boolean
volatile
-- definer: nobody may write what is parked; it touches that of the caller's consumers.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
#variable_conflict use_column
declare
    _consumer constant floorcast.consumer := floorcast.my_consumer(drop_parked.consumer);
    _parked floorcast.parked;
begin
    -- Settled and not deleted: until its share is past it, it would be read from the trail once more.
    update floorcast.parked as p
    set state = 'settled', lease = null
    where p.consumer = _consumer.name and p.id = drop_parked.id and p.state <> 'settled'
    returning p.* into _parked;
    if not found then
        return false;
    end if;
    update floorcast.parked as p
    set due_at = clock_timestamp()
    where
        p.consumer = _consumer.name and p.table_name = _parked.table_name and p.key::text = _parked.key::text
        and p.state = 'waiting';
    return true;
end;
$$;

comment on function floorcast.drop_parked(text, bigint) is 'Gives up a parked change; what follows of its row goes on.';

revoke execute on function floorcast.drop_parked(text, bigint) from public;
grant execute on function floorcast.drop_parked(text, bigint) to authenticated, service_role;
