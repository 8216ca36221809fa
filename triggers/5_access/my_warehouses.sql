-- The warehouses that the caller may be in. What every policy of a warehouse's rows asks.
--
-- Policies call it as `= any (array(select floorcast.my_warehouses()))`: the subquery depends on no row, so it runs once per
-- statement, and its result serves as an index condition. Called per row it would be a query per row.
create or replace function floorcast.my_warehouses()
returns setof uuid
stable
-- definer: it reads user_warehouse_access, whose own policy asks this function; as the caller it would ask itself for ever.
-- It answers for auth.uid() only, so it tells nobody anything about others.
security definer
rows 10
set search_path = ''
language sql
as $$
    select a.warehouse_id
    from public.user_warehouse_access as a
    where a.user_id = (select auth.uid())
$$;

comment on function floorcast.my_warehouses() is 'The warehouses that auth.uid() may be in.';

revoke all on function floorcast.my_warehouses() from public;
grant execute on function floorcast.my_warehouses() to authenticated, service_role;
