-- Writes the condition under which the rules let a caller do something with a row, as the text of a policy; null where they let
-- nobody.
--
-- Each subquery depends on no row, so it runs once per statement and serves as an index condition. Retired rows are in none:
-- who may bring them back does it with floorcast.restore().
create or replace function floorcast.access_condition(protected floorcast.protected, action text)
returns text
stable
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _places constant text := case protected.scope
        when 'warehouse' then 'warehouses' when 'organization' then 'organizations' else 'people'
    end;
    _owner text;
    _condition text;
begin
    -- Where no rule lets any role do it, the places are left out: an alternative that never holds would still keep the planner
    -- from an index on the owner. (A server, who is everywhere, then reads such a table and not its view.)
    if exists (
        select from floorcast.table_rule as r
        where r.table_name = protected.table_name and r.action = access_condition.action
    ) then
        _condition := format(
            '%I = any (array(select floorcast.my_%s_for(%L, %L)))',
            protected.place_column, _places, protected.table_name, access_condition.action
        );
    end if;

    select o.column_name
    into _owner
    from floorcast.owner_rule as o
    where o.table_name = protected.table_name and access_condition.action = any (o.actions);
    if _owner is not null then
        _condition := concat(_condition || ' or ', format('%I = (select floorcast.my_id())', _owner));
        if protected.scope = 'warehouse' then
            _condition := _condition || format(
                ' and %I = any (array(select floorcast.my_warehouses()))', protected.place_column
            );
        elsif protected.scope = 'organization' then
            _condition := _condition || format(
                ' and %I = any (array(select m.organization_id from floorcast.my_access() as m))', protected.place_column
            );
        end if;
    end if;

    if _condition is not null and exists (
        select from pg_catalog.pg_attribute as a
        where a.attrelid = protected.relation and a.attname = 'deleted_at' and not a.attisdropped
    ) then
        _condition := format('deleted_at is null and (%s)', _condition);
    end if;
    return _condition;
end;
$$;

comment on function floorcast.access_condition(floorcast.protected, text) is
'Text of the condition under which the rules allow an action on a row; called by floorcast.apply_rules().';

revoke execute on function floorcast.access_condition(floorcast.protected, text) from public;
