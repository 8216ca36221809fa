-- The consumer of that name, if it is the caller's; servers reach every one. Whose another one is, or whether there is one, is not told.
create or replace function floorcast.my_consumer(consumer text)
returns floorcast.consumer
stable
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _consumer floorcast.consumer;
begin
    select c.* into _consumer
    from floorcast.consumer as c
    where
        c.name = my_consumer.consumer
        and (floorcast.is_server() or (c.owner_role = 'authenticated' and c.owner = floorcast.my_id()::text));
    if not found then
        raise exception 'there is no consumer %, or it is not yours', my_consumer.consumer
        using errcode = 'insufficient_privilege', hint = 'floorcast.put_consumer() makes one; floorcast.consumers() lists yours.';
    end if;
    return _consumer;
end;
$$;

comment on function floorcast.my_consumer(text) is 'The consumer of that name, if the caller may use it; else it refuses.';

revoke execute on function floorcast.my_consumer(text) from public;
