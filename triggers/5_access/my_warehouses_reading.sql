-- The warehouses in which the caller sees a column that the rules keep from others. What the views ask, once per statement.
create or replace function floorcast.my_warehouses_reading(table_name text, column_name text)
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
            select from floorcast.column_rule as r
            where r.table_name = my_warehouses_reading.table_name and r.column_name = my_warehouses_reading.column_name and m.role = any(r.roles)
        )
$$;

comment on function floorcast.my_warehouses_reading(text, text) is 'The warehouses in which the caller sees that column of the table.';

revoke all on function floorcast.my_warehouses_reading(text, text) from public;
grant execute on function floorcast.my_warehouses_reading(text, text) to authenticated, service_role;
