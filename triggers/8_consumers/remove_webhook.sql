-- Posts nothing more of a consumer, which stays as it is: whoever likes to pulls from where the posts ended. Returns whether there was
-- a webhook.
create or replace function floorcast.remove_webhook(consumer text)
returns boolean
volatile
-- definer: nobody but gateways reads what is kept here. It removes what belongs to the caller's consumer only.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
#variable_conflict use_column
declare
    _consumer constant floorcast.consumer := floorcast.my_consumer(remove_webhook.consumer);
begin
    delete from floorcast.webhook as w where w.consumer = _consumer.name;
    return found;
end;
$$;

comment on function floorcast.remove_webhook(text) is 'Posts nothing more of a consumer; returns whether anything was.';

revoke execute on function floorcast.remove_webhook(text) from public;
grant execute on function floorcast.remove_webhook(text) to authenticated, service_role;
