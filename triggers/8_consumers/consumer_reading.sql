-- What the caller reads of a consumer's tables: table → floorcast.my_reading(). Refuses where he has no access to one of its
-- warehouses, or does not read a table that it names: a consumer waits rather than silently passing over what it may not have.
-- What a withdrawn access kept from it comes when the access is given again, since its position has not moved.
create or replace function floorcast.consumer_reading(consumer floorcast.consumer)
returns jsonb
stable
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _missing text[];
    _table floorcast.tracked;
    _reading jsonb;
    _readings jsonb := '{}';
begin
    _missing := array(
        select w from unnest((consumer_reading.consumer).warehouses) as w
        except
        select m.warehouse_id::text from floorcast.my_access() as m
    );
    if cardinality(_missing) > 0 then
        raise exception 'you have no access to warehouse %, which consumer % follows',
            _missing[1], (consumer_reading.consumer).name
        using errcode = 'insufficient_privilege',
            hint = 'It goes on from where it was as soon as access is granted, or put it without that warehouse.';
    end if;
    select array_agg(n) into _missing
    from unnest((consumer_reading.consumer).tables) as n
    where not exists (
        select from floorcast.tracked as t
        where t.table_name = n and t.scope = 'warehouse' and t.warehouse_column is not null and n !~ '^(floorcast|realtime)\.'
    );
    if cardinality(_missing) > 0 then
        raise exception 'consumers are told nothing of %: it is not tracked, or its rows belong to no warehouse', _missing[1]
        using errcode = 'object_not_in_prerequisite_state', hint = 'Put the consumer without it, or floorcast.track() it.';
    end if;
    for _table in
        select t.* from floorcast.tracked as t
        where
            t.scope = 'warehouse' and t.warehouse_column is not null and t.table_name !~ '^(floorcast|realtime)\.'
            and ((consumer_reading.consumer).tables is null or t.table_name = any ((consumer_reading.consumer).tables))
            and (
                (consumer_reading.consumer).tables is not null or floorcast.is_server()
                or exists (select from floorcast.protected as p where p.relation = t.relation)
            )
    loop
        _reading := floorcast.my_reading(_table.relation);
        if not (_reading ->> 'everything')::boolean and _reading ->> 'owner' is null
            and not _reading -> 'places' ?& (consumer_reading.consumer).warehouses
        then
            continue when (consumer_reading.consumer).tables is null
                and not _reading -> 'places' ?| (consumer_reading.consumer).warehouses;
            if (consumer_reading.consumer).tables is not null then
                raise exception 'you may not read % in all warehouses that consumer % follows',
                    _table.table_name, (consumer_reading.consumer).name
                using errcode = 'insufficient_privilege', hint = 'Put the consumer without that table.';
            end if;
        end if;
        _readings := _readings || jsonb_build_object(_table.table_name, _reading);
    end loop;
    return _readings;
end;
$$;

comment on function floorcast.consumer_reading(floorcast.consumer) is
'What the caller may read of the tables of a consumer, by table; refuses where that is not what it follows.';

revoke execute on function floorcast.consumer_reading(floorcast.consumer) from public;
