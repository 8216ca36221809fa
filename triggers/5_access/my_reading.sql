-- What the caller may read of a table's past, for floorcast.as_seen(): the rules of access as one value, asked once a statement.
-- Called by history() and as_of(), which are definers; it answers for the caller all the same, as the functions that it asks.
--
-- everything: the caller is a trusted server. Else places: where his role may read the table; columns: for each that is hidden
-- from some, where he sees it; owner: the column that names whose row it is, owner_places: where that counts (null: anywhere).
-- known: the table's columns as they are called now. ids: all these places without their prefix, for a look at the table itself.
create or replace function floorcast.my_reading(relation regclass)
returns jsonb
stable
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _tracked floorcast.tracked;
    _table floorcast.protected;
    _owner text;
    _me text;
    _prefix text;
    _places text[];
    _owner_places text[];
    _columns jsonb;
begin
    select t.* into _tracked from floorcast.tracked as t where t.relation = my_reading.relation;
    if not found then
        raise exception '% has no history: it is not tracked', my_reading.relation
        using errcode = 'object_not_in_prerequisite_state',
            hint = 'floorcast.track() has its changes kept from then on.';
    end if;
    if floorcast.is_server() then
        return jsonb_build_object('table', _tracked.table_name, 'everything', true);
    end if;
    select p.* into _table from floorcast.protected as p where p.relation = my_reading.relation;
    if not found then
        raise exception 'the history of % is for trusted servers: no rule says who may read it', my_reading.relation
        using errcode = 'insufficient_privilege', hint = 'floorcast.protect() puts a table under the rules of access.';
    end if;

    select o.column_name
    into _owner
    from floorcast.owner_rule as o
    where o.table_name = _table.table_name and 'select' = any (o.actions);
    _me := floorcast.my_id();
    _prefix := case _table.scope when 'organization' then 'organization:' when 'person' then 'user:' else '' end;
    if _table.scope = 'warehouse' then
        _places := array(select w::text from floorcast.my_warehouses_for(_table.table_name, 'select') as w);
        _owner_places := array(select w::text from floorcast.my_warehouses() as w);
    elsif _table.scope = 'organization' then
        _places := array(select w::text from floorcast.my_organizations_for(_table.table_name, 'select') as w);
        _owner_places := array(select distinct m.organization_id::text from floorcast.my_access() as m);
    else
        _places := array(select w::text from floorcast.my_people_for(_table.table_name, 'select') as w);
    end if;

    select coalesce(jsonb_object_agg(c.column_name, (
        select coalesce(jsonb_agg(_prefix || w), '[]')
        from (
            select w::text
            from floorcast.my_warehouses_reading(_table.table_name, c.column_name) as w
            where _table.scope = 'warehouse'
            union all
            select w::text
            from floorcast.my_organizations_reading(_table.table_name, c.column_name) as w
            where _table.scope = 'organization'
            union all
            select w::text
            from floorcast.my_people_reading(_table.table_name, c.column_name) as w
            where _table.scope = 'person'
        ) as r (w)
    )), '{}')
    into _columns
    from floorcast.column_rule as c
    where c.table_name = _table.table_name;

    return jsonb_build_object(
        'table', _tracked.table_name,
        'everything', false,
        'places', (select coalesce(jsonb_agg(_prefix || p), '[]') from unnest(_places) as p),
        'columns', _columns,
        'known', (
            select jsonb_agg(a.attname)
            from pg_catalog.pg_attribute as a
            where a.attrelid = my_reading.relation and a.attnum > 0 and not a.attisdropped
        ),
        'owner', case when _me is not null then _owner end,
        'me', _me,
        'owner_places', case
            when _owner_places is not null then (select coalesce(jsonb_agg(_prefix || p), '[]') from unnest(_owner_places) as p)
        end,
        'ids', to_jsonb(_places || case when _owner is not null then coalesce(_owner_places, array[_me]) end)
    );
end;
$$;

comment on function floorcast.my_reading(regclass) is
'What the caller may read of a table''s past, as one value; called by floorcast.history() and floorcast.as_of().';

revoke execute on function floorcast.my_reading(regclass) from public;
