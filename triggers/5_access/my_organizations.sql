-- The organizations that own a warehouse of the caller.
create or replace function floorcast.my_organizations()
returns setof uuid
stable
-- definer: for the reason that my_warehouses gives.
security definer
rows 1
set search_path = ''
language sql
as $$
    select distinct w.organization_id
    from public.user_warehouse_access as a
    inner join public.warehouses as w on w.id = a.warehouse_id
    where a.user_id = (select auth.uid())
$$;

comment on function floorcast.my_organizations() is 'The organizations of the warehouses that auth.uid() may be in.';

revoke all on function floorcast.my_organizations() from public;
grant execute on function floorcast.my_organizations() to authenticated, service_role;
