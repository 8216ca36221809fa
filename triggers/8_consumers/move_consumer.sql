-- Moves a consumer: to a tick, to the last tick that was closed at a time or before, or to now, so that nothing of the past comes any more.
-- Batches that are out cannot be acknowledged afterwards. What is parked stays parked: it is told or dropped by itself.
-- Returns the tick. Moved back, it is told again what it was told before, under the same ids.
create or replace function floorcast.move_consumer(consumer text, tick bigint default null, at timestamptz default null)
returns bigint
volatile
-- definer: nobody may write positions; it moves those of the caller's consumers.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
#variable_conflict use_column
declare
    _consumer constant floorcast.consumer := floorcast.my_consumer(move_consumer.consumer);
    _tick bigint;
    _seal bytea;
begin
    _tick := case
        when move_consumer.tick is not null then move_consumer.tick
        when move_consumer.at is not null then floorcast.tick_at(move_consumer.at)
        else (select t.tick from floorcast.tick as t order by t.tick desc limit 1)
    end;
    select t.seal into _seal from floorcast.tick as t where t.tick = _tick;
    if _seal is null or _tick < floorcast.first_tick() then
        raise exception 'consumer % cannot be moved there: that tick is not kept, or not closed yet', _consumer.name
        using errcode = 'PT410', detail = case
            when _tick > (select t.tick from floorcast.tick as t order by t.tick desc limit 1) then 'future' else 'trimmed'
        end,
        hint = format('What is kept begins with tick %s.', floorcast.first_tick());
    end if;
    update floorcast.consumer_share as s
    set tick = _tick, seal = _seal, acked_at = clock_timestamp(), lease = null, leased_until = null, upto = null
    where s.consumer = _consumer.name;
    delete from floorcast.parked as p where p.consumer = _consumer.name and p.state = 'settled';
    return _tick;
end;
$$;

comment on function floorcast.move_consumer(text, bigint, timestamptz) is
'Moves a consumer to a tick, to a time, or to now; returns the tick.';

revoke execute on function floorcast.move_consumer(text, bigint, timestamptz) from public;
grant execute on function floorcast.move_consumer(text, bigint, timestamptz) to authenticated, service_role;
