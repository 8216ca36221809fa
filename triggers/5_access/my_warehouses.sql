-- The warehouses that the caller may be in, whatever his role there.
create or replace function floorcast.my_warehouses()
returns setof uuid
stable
security invoker
rows 10
set search_path = pg_catalog, pg_temp
language sql
as $$
    select m.warehouse_id
    from floorcast.my_access() as m
$$;

comment on function floorcast.my_warehouses() is 'The warehouses that the caller may be in.';

revoke all on function floorcast.my_warehouses() from public;
grant execute on function floorcast.my_warehouses() to authenticated, service_role;
