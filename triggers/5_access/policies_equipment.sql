-- Machines are seen by everybody in the warehouse. Those who work on them set their status; managers add and remove them.
-- The check of an UPDATE is its condition applied to the new row: a machine moves only between warehouses where the
-- person may write in both.
revoke all on table public.equipment from public, anon, authenticated;
grant select, insert, update, delete on table public.equipment to authenticated;
grant all on table public.equipment to service_role;

drop policy if exists members_read on public.equipment;
create policy members_read on public.equipment for select to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses())));

drop policy if exists workers_update on public.equipment;
create policy workers_update on public.equipment for update to authenticated
using (
    warehouse_id = any(array(
        select floorcast.my_warehouses_as('technician', 'contractor', 'supervisor', 'manager', 'admin')
    ))
);

drop policy if exists managers_insert on public.equipment;
create policy managers_insert on public.equipment for insert to authenticated
with check (warehouse_id = any(array(select floorcast.my_warehouses_as('supervisor', 'manager', 'admin'))));

drop policy if exists managers_delete on public.equipment;
create policy managers_delete on public.equipment for delete to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses_as('manager', 'admin'))));

drop policy if exists servers_do_all on public.equipment;
create policy servers_do_all on public.equipment for all to service_role using (true) with check (true);
