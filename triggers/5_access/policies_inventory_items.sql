-- Stock is seen by everybody in the warehouse. Clerks and above keep the list of items. quantity and reserved are in nobody's
-- grant: they are moved by transactions only, so that each piece that is gone has a line that says where.
revoke all on table public.inventory_items from public, anon, authenticated;
grant select, delete on table public.inventory_items to authenticated;
grant insert (
    id, warehouse_id, part_number, name, category, unit, reorder_point, reorder_quantity, unit_cost, is_critical,
    specifications, deleted_at
) on table public.inventory_items to authenticated;
grant update (
    part_number, name, category, unit, reorder_point, reorder_quantity, unit_cost, is_critical, specifications,
    deleted_at
) on table public.inventory_items to authenticated;
grant all on table public.inventory_items to service_role;

drop policy if exists members_read on public.inventory_items;
create policy members_read on public.inventory_items for select to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses())));

drop policy if exists clerks_insert on public.inventory_items;
create policy clerks_insert on public.inventory_items for insert to authenticated
with check (
    warehouse_id = any(array(select floorcast.my_warehouses_as('inventory_clerk', 'supervisor', 'manager', 'admin')))
);

drop policy if exists clerks_update on public.inventory_items;
create policy clerks_update on public.inventory_items for update to authenticated
using (
    warehouse_id = any(array(select floorcast.my_warehouses_as('inventory_clerk', 'supervisor', 'manager', 'admin')))
);

drop policy if exists managers_delete on public.inventory_items;
create policy managers_delete on public.inventory_items for delete to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses_as('manager', 'admin'))));

drop policy if exists servers_do_all on public.inventory_items;
create policy servers_do_all on public.inventory_items for all to service_role using (true) with check (true);
