-- A warehouse is seen by whoever may be in it. Its managers rename it and set it up; opening and closing sites is for servers.
revoke all on table public.warehouses from public, anon, authenticated;
grant select on table public.warehouses to authenticated;
-- Not organization_id: giving a site to another organization is not a manager's to do.
grant update (name, location, settings) on table public.warehouses to authenticated;
grant all on table public.warehouses to service_role;

drop policy if exists members_read on public.warehouses;
create policy members_read on public.warehouses for select to authenticated
using (id = any(array(select floorcast.my_warehouses())));

drop policy if exists managers_update on public.warehouses;
create policy managers_update on public.warehouses for update to authenticated
using (id = any(array(select floorcast.my_warehouses_as('manager', 'admin'))));

drop policy if exists servers_do_all on public.warehouses;
create policy servers_do_all on public.warehouses for all to service_role using (true) with check (true);
