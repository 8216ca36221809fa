-- Stock movements are seen by everybody in the warehouse and booked by those who handle parts, in their own name and at the
-- time it is: a movement cannot be dated back.
select floorcast.protect('public.inventory_transactions');

drop policy if exists in_ones_own_name on public.inventory_transactions;
create policy in_ones_own_name on public.inventory_transactions as restrictive for insert to authenticated
with check (actor = (select floorcast.actor()));
comment on policy in_ones_own_name on public.inventory_transactions is 'Nobody books in another''s name.';

-- Stock takes are for clerks and above: who uses parts does not also count them.
drop policy if exists counted_by_clerks on public.inventory_transactions;
create policy counted_by_clerks on public.inventory_transactions as restrictive for insert to authenticated
with check (
    transaction_type <> 'adjustment'
    or warehouse_id = any(array(select floorcast.my_warehouses_for('inventory_transactions', 'adjust')))
);
comment on policy counted_by_clerks on public.inventory_transactions is
'An adjustment needs a role that the rules let adjust, besides one that may insert.';
