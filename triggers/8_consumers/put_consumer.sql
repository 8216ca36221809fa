-- Makes a consumer, or says anew what it is: put_consumer('erp', array['<warehouse>'], tables => array['inventory_transactions']).
-- A new one begins with what happens from now on; one that is there keeps its position. Divided into another number of shares, it
-- goes on from where the last of its shares was: some changes come twice, none is left out.
-- Returns until when the trail is kept for it if it does nothing, which is the limit that its owner must know.
-- A person's consumers keep the trail for thirty days at most, and are fifty at most: whoever has access may make some.
create or replace function floorcast.put_consumer(
    consumer text,
    warehouses text[],
    tables text[] default null,
    columns jsonb default null,
    shares integer default 1,
    keep interval default '7 days',
    attempts integer default 12,
    envelope text default 'native',
    "where" jsonb default null
)
returns timestamptz
volatile
-- definer: nobody may write consumers; it writes the caller's only, and asks the rules what he reads.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _server constant boolean := floorcast.is_server();
    _owner constant text := case when _server then 'service_role' else floorcast.my_id()::text end;
    _consumer floorcast.consumer;
    _old floorcast.consumer;
    _tick floorcast.tick;
begin
    if _owner is null then
        raise exception 'consumers belong to people and servers, and this token names neither'
        using errcode = 'insufficient_privilege', hint = 'Use the token of somebody who has access.';
    end if;
    if put_consumer.where is not null then
        raise exception 'a consumer has no `where`: conditions are not evaluated in the database'
        using errcode = 'feature_not_supported', hint = 'Name tables and columns, and leave out what you do not want of their rows.';
    end if;
    if put_consumer.columns is not null and (
        jsonb_typeof(put_consumer.columns) <> 'object'
        or exists (select from jsonb_each(put_consumer.columns) as e where jsonb_typeof(e.value) <> 'array')
    ) then
        raise exception 'columns are an object of arrays: {"inventory_items": ["id", "quantity"]}, and not %', put_consumer.columns
        using errcode = 'invalid_parameter_value', hint = 'Leave columns out for all that you may see.';
    end if;
    if not _server and put_consumer.keep > interval '30 days' then
        raise exception 'the trail is kept for your consumer for thirty days at most, and not for %', put_consumer.keep
        using errcode = 'invalid_parameter_value', hint = 'A trusted server may have it kept for longer.';
    end if;
    -- One at a time for an owner, so that the count below holds.
    perform pg_advisory_xact_lock(hashtextextended('floorcast consumers of ' || _owner, 0));
    select c.* into _old from floorcast.consumer as c where c.name = put_consumer.consumer for update;
    if found then
        _old := floorcast.my_consumer(put_consumer.consumer);
        _consumer := _old;
    elsif not _server and (select count(*) from floorcast.consumer as c where c.owner = _owner) >= 50 then
        raise exception 'you have fifty consumers, and may not have more'
        using errcode = 'program_limit_exceeded', hint = 'floorcast.remove_consumer() removes one.';
    end if;
    _consumer.name := put_consumer.consumer;
    _consumer.owner := coalesce(_consumer.owner, _owner);
    _consumer.owner_role := coalesce(_consumer.owner_role, case when _server then 'service_role' else 'authenticated' end);
    _consumer.warehouses := array(select distinct w from unnest(put_consumer.warehouses) as w order by w);
    _consumer.tables := case when put_consumer.tables is not null then array(
        select distinct t from unnest(put_consumer.tables) as t order by t
    ) end;
    _consumer.columns := put_consumer.columns;
    _consumer.shares := put_consumer.shares;
    _consumer.keep := put_consumer.keep;
    _consumer.attempts := put_consumer.attempts;
    _consumer.envelope := put_consumer.envelope;
    -- Refuses what he may not read.
    perform floorcast.consumer_reading(_consumer);

    insert into floorcast.consumer as c (
        name, owner, owner_role, warehouses, tables, columns, shares, keep, attempts, envelope
    )
    values (
        _consumer.name, _consumer.owner, _consumer.owner_role, _consumer.warehouses, _consumer.tables, _consumer.columns,
        _consumer.shares, _consumer.keep, _consumer.attempts, _consumer.envelope
    )
    on conflict (name) do update set
        warehouses = excluded.warehouses, tables = excluded.tables, columns = excluded.columns, shares = excluded.shares,
        keep = excluded.keep, attempts = excluded.attempts, envelope = excluded.envelope, altered_at = clock_timestamp()
    where c.owner = excluded.owner;
    if not found then
        -- Somebody else made it a moment ago.
        perform floorcast.my_consumer(put_consumer.consumer);
    end if;

    if _old.shares is distinct from put_consumer.shares then
        select t.* into _tick from floorcast.tick as t order by t.tick desc limit 1;
        if _old.name is not null then
            -- Whoever has a share finds his lease gone, and what he had is told again.
            perform from floorcast.consumer_share as s where s.consumer = _old.name for update;
            select s.tick, s.seal into _tick.tick, _tick.seal
            from floorcast.consumer_share as s where s.consumer = _old.name order by s.tick limit 1;
            delete from floorcast.consumer_share as s where s.consumer = _old.name;
        end if;
        insert into floorcast.consumer_share (consumer, share, tick, seal)
        select _consumer.name, i, _tick.tick, _tick.seal
        from generate_series(0, put_consumer.shares - 1) as i;
    end if;
    return clock_timestamp() + put_consumer.keep;
end;
$$;

comment on function floorcast.put_consumer(text, text[], text[], jsonb, integer, interval, integer, text, jsonb) is
'Makes a consumer or says anew what it is; returns until when the trail is kept for it if it does nothing.';

revoke execute on function floorcast.put_consumer(text, text[], text[], jsonb, integer, interval, integer, text, jsonb)
from public;
grant execute on function floorcast.put_consumer(text, text[], text[], jsonb, integer, interval, integer, text, jsonb)
to authenticated, service_role;
