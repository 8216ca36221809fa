-- The warehouses in which the caller has one of these roles. What every policy of writing asks; called as my_warehouses is.
create or replace function floorcast.my_warehouses_as(variadic roles text[])
returns setof uuid
stable
-- definer: for the reason that my_warehouses gives.
security definer
rows 10
set search_path = ''
language sql
as $$
    select a.warehouse_id
    from public.user_warehouse_access as a
    where a.user_id = (select auth.uid()) and a.role = any (my_warehouses_as.roles)
$$;

comment on function floorcast.my_warehouses_as(text[]) is 'The warehouses in which auth.uid() has one of these roles.';

revoke all on function floorcast.my_warehouses_as(text[]) from public;
grant execute on function floorcast.my_warehouses_as(text[]) to authenticated, service_role;
