-- Gives a consumer's webhook a new secret. The one before signs as well for so many seconds, so that its receiver has time to change.
-- Returns until when.
create or replace function floorcast.rotate_webhook(consumer text, signing_key text, seconds integer)
returns timestamptz
volatile
-- definer: nobody but gateways reads what is kept here. It writes what belongs to the caller's consumer only.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
#variable_conflict use_column
declare
    _consumer constant floorcast.consumer := floorcast.my_consumer(rotate_webhook.consumer);
    _until timestamptz;
begin
    update floorcast.webhook as w
    set
        signing_key = rotate_webhook.signing_key,
        earlier_key = w.signing_key,
        earlier_until = clock_timestamp() + make_interval(secs => rotate_webhook.seconds)
    where w.consumer = _consumer.name
    returning w.earlier_until into _until;
    if not found then
        raise exception 'consumer % has no webhook', _consumer.name
        using errcode = 'no_data_found', hint = 'Put one first.';
    end if;
    return _until;
end;
$$;

comment on function floorcast.rotate_webhook(text, text, integer) is
'Gives a consumer''s webhook a new secret; returns until when the one before signs as well.';

revoke execute on function floorcast.rotate_webhook(text, text, integer) from public;
grant execute on function floorcast.rotate_webhook(text, text, integer) to authenticated, service_role;
