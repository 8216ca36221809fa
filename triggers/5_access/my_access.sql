-- Where the caller may be, and as what; the one place that says what access is. A retired warehouse, organization or person has
-- none. A trusted server is everywhere, as service_role.
create or replace function floorcast.my_access()
returns table (warehouse_id uuid, organization_id uuid, role text)
stable
-- definer: it reads user_warehouse_access, whose own policy asks this function; as the caller it would ask itself for ever.
-- It answers for the caller only, so it tells nobody anything about others.
security definer
rows 10
set search_path = pg_catalog, pg_temp
language sql
as $$
    select w.id, w.organization_id, a.role
    from public.user_warehouse_access as a
    inner join public.warehouses as w on w.id = a.warehouse_id and w.deleted_at is null
    inner join public.organizations as o on o.id = w.organization_id and o.deleted_at is null
    where a.user_id = (select floorcast.my_id())
    union all
    select w.id, w.organization_id, 'service_role'
    from public.warehouses as w
    inner join public.organizations as o on o.id = w.organization_id and o.deleted_at is null
    where w.deleted_at is null and (select floorcast.is_server())
$$;

comment on function floorcast.my_access() is 'The warehouses that the caller may be in, with their organizations and his roles.';

revoke all on function floorcast.my_access() from public;
grant execute on function floorcast.my_access() to authenticated, service_role;
