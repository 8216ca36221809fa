-- Stock movements are seen by everybody in the warehouse and booked by those who handle parts, in their own name and at the
-- time it is. Stock takes are for clerks and above: who uses parts does not also count them.
revoke all on table public.inventory_transactions from public, anon, authenticated;
grant select on table public.inventory_transactions to authenticated;
-- Not created_at: a movement cannot be dated back.
grant insert (
    id, warehouse_id, item_id, transaction_type, quantity, reference, work_order_id, transfer_id, reason, unit_cost,
    actor
) on table public.inventory_transactions to authenticated;
grant all on table public.inventory_transactions to service_role;

drop policy if exists members_read on public.inventory_transactions;
create policy members_read on public.inventory_transactions for select to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses())));

drop policy if exists users_of_parts_insert on public.inventory_transactions;
create policy users_of_parts_insert on public.inventory_transactions for insert to authenticated
with check (
    actor = (select floorcast.actor())
    and warehouse_id = any(array(
        select floorcast.my_warehouses_as(
            'technician', 'contractor', 'inventory_clerk', 'supervisor', 'manager', 'admin'
        )
    ))
    and (
        transaction_type <> 'adjustment'
        or warehouse_id = any(array(
            select floorcast.my_warehouses_as('inventory_clerk', 'supervisor', 'manager', 'admin')
        ))
    )
);

drop policy if exists servers_do_all on public.inventory_transactions;
create policy servers_do_all on public.inventory_transactions for all to service_role using (true) with check (true);
