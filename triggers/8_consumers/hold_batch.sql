-- Keeps a batch for longer: hold_batch('erp', batch). Until when, it returns; refused with PT409 where the lease is gone already.
create or replace function floorcast.hold_batch(consumer text, batch uuid, seconds integer default 60)
returns timestamptz
volatile
-- definer: nobody may write leases; it touches those of the caller's consumers.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _consumer constant floorcast.consumer := floorcast.my_consumer(hold_batch.consumer);
    _until timestamptz := clock_timestamp() + make_interval(secs => greatest(1, least(hold_batch.seconds, 3600)));
begin
    update floorcast.consumer_share as s set leased_until = _until
    where s.consumer = _consumer.name and s.lease = hold_batch.batch;
    if not found then
        raise exception 'batch % of consumer % is not out any more: another worker has its share, or it was acknowledged',
            hold_batch.batch, _consumer.name
        using errcode = 'PT409', hint = 'Take the next batch; what was not acknowledged comes again.';
    end if;
    return _until;
end;
$$;

comment on function floorcast.hold_batch(text, uuid, integer) is 'Keeps a batch of a consumer for longer; returns until when.';

revoke execute on function floorcast.hold_batch(text, uuid, integer) from public;
grant execute on function floorcast.hold_batch(text, uuid, integer) to authenticated, service_role;
