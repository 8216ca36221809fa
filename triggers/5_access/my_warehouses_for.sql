-- The warehouses in which the rules let the caller do something with a table. What every policy asks.
--
-- Policies call it as `= any (array(select floorcast.my_warehouses_for(…)))`: the subquery depends on no row, so it runs once per
-- statement, and its result serves as an index condition. Called per row it would be a query per row.
create or replace function floorcast.my_warehouses_for(table_name text, action text)
returns setof uuid
stable
-- definer: it reads the rules. It answers for the caller only.
security definer
rows 10
set search_path = pg_catalog, pg_temp
language sql
as $$
    select m.warehouse_id
    from floorcast.my_access() as m
    where
        m.role = 'service_role'
        or exists (
            select from floorcast.table_rule as r
            where r.table_name = my_warehouses_for.table_name and r.action = my_warehouses_for.action and m.role = any(r.roles)
        )
$$;

comment on function floorcast.my_warehouses_for(text, text) is 'The warehouses in which the caller may do that with the table.';

revoke all on function floorcast.my_warehouses_for(text, text) from public;
grant execute on function floorcast.my_warehouses_for(text, text) to authenticated, service_role;
