-- As my_warehouses_reading, for tables whose rows are seen wherever the person they name works.
create or replace function floorcast.my_people_reading(table_name text, column_name text)
returns setof uuid
stable
-- definer: it reads the rules, and other people's access. It answers for the caller only.
security definer
rows 100
set search_path = pg_catalog, pg_temp
language sql
as $$
    select distinct a.user_id
    from public.user_warehouse_access as a
    where a.warehouse_id = any(array(
        select floorcast.my_warehouses_reading(my_people_reading.table_name, my_people_reading.column_name)
    ))
    union
    select u.id
    from public.users as u
    where (select floorcast.is_server())
$$;

comment on function floorcast.my_people_reading(text, text) is 'The people in the warehouses in which the caller sees that column of the table.';

revoke all on function floorcast.my_people_reading(text, text) from public;
grant execute on function floorcast.my_people_reading(text, text) to authenticated, service_role;
