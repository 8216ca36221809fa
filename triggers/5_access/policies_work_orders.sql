-- Work orders are seen by everybody in the warehouse, opened by everybody but kiosks and viewers, worked on by those who do the
-- work and those who direct it. Removing one is for admins: others cancel it, or retire it with deleted_at.
revoke all on table public.work_orders from public, anon, authenticated;
grant select, insert, update, delete on table public.work_orders to authenticated;
grant all on table public.work_orders to service_role;

drop policy if exists members_read on public.work_orders;
create policy members_read on public.work_orders for select to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses())));

drop policy if exists people_insert on public.work_orders;
create policy people_insert on public.work_orders for insert to authenticated
with check (
    warehouse_id = any(array(
        select floorcast.my_warehouses_as(
            'requester', 'technician', 'contractor', 'inventory_clerk', 'supervisor', 'manager', 'admin'
        )
    ))
);

drop policy if exists workers_update on public.work_orders;
create policy workers_update on public.work_orders for update to authenticated
using (
    warehouse_id = any(array(
        select floorcast.my_warehouses_as('technician', 'contractor', 'supervisor', 'manager', 'admin')
    ))
);

drop policy if exists admins_delete on public.work_orders;
create policy admins_delete on public.work_orders for delete to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses_as('admin'))));

drop policy if exists servers_do_all on public.work_orders;
create policy servers_do_all on public.work_orders for all to service_role using (true) with check (true);
