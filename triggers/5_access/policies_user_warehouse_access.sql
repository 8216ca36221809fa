-- Everybody sees his own access; managers and admins see and manage that of their warehouses. Only an admin makes, changes
-- or removes an admin: else a manager could promote himself.
revoke all on table public.user_warehouse_access from public, anon, authenticated;
grant select, insert, update, delete on table public.user_warehouse_access to authenticated;
grant all on table public.user_warehouse_access to service_role;

drop policy if exists people_read_their_own on public.user_warehouse_access;
create policy people_read_their_own on public.user_warehouse_access for select to authenticated
using (user_id = (select auth.uid()));

drop policy if exists admins_manage on public.user_warehouse_access;
create policy admins_manage on public.user_warehouse_access for all to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses_as('admin'))));

drop policy if exists managers_read on public.user_warehouse_access;
create policy managers_read on public.user_warehouse_access for select to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses_as('manager'))));

drop policy if exists managers_manage_all_but_admins on public.user_warehouse_access;
create policy managers_manage_all_but_admins on public.user_warehouse_access for all to authenticated
using (role <> 'admin' and warehouse_id = any(array(select floorcast.my_warehouses_as('manager'))));

drop policy if exists servers_do_all on public.user_warehouse_access;
create policy servers_do_all on public.user_warehouse_access for all to service_role using (true) with check (true);
