-- Supervisors and above assign; a technician may take and hand on work. Whoever writes an assignment writes it in his own name.
revoke all on table public.work_order_assignments from public, anon, authenticated;
grant select, insert, update, delete on table public.work_order_assignments to authenticated;
grant all on table public.work_order_assignments to service_role;

drop policy if exists members_read on public.work_order_assignments;
create policy members_read on public.work_order_assignments for select to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses())));

drop policy if exists workers_insert on public.work_order_assignments;
create policy workers_insert on public.work_order_assignments for insert to authenticated
with check (
    actor = (select floorcast.actor())
    and warehouse_id = any(array(select floorcast.my_warehouses_as('technician', 'supervisor', 'manager', 'admin')))
);

drop policy if exists workers_update on public.work_order_assignments;
create policy workers_update on public.work_order_assignments for update to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses_as('technician', 'supervisor', 'manager', 'admin'))));

drop policy if exists workers_delete on public.work_order_assignments;
create policy workers_delete on public.work_order_assignments for delete to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses_as('technician', 'supervisor', 'manager', 'admin'))));

drop policy if exists servers_do_all on public.work_order_assignments;
create policy servers_do_all on public.work_order_assignments for all to service_role using (true) with check (true);
