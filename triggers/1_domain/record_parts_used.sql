-- Parts taken for a work order go into its timeline. That the order is in the warehouse of the part is seen to by _100_refuse_distant_orders.
create or replace function floorcast.record_parts_used()
returns trigger
volatile
-- definer: people may write comments into a timeline, not history; this writes history.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _actor constant text := floorcast.actor();
begin
    insert into public.work_order_timeline (warehouse_id, work_order_id, event_type, details, actor)
    select
        n.warehouse_id,
        n.work_order_id,
        'part_used',
        jsonb_build_object('item_id', i.id, 'item', i.name, 'quantity', trim_scale(n.quantity), 'unit', i.unit),
        _actor
    from new_rows as n
    inner join public.inventory_items as i on i.id = n.item_id
    where n.work_order_id is not null and n.transaction_type = 'issue';
    return null;
end
$$;

comment on function floorcast.record_parts_used() is
'AFTER INSERT statement trigger of inventory_transactions: parts issued to a work order go into work_order_timeline.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.record_parts_used() from public;

create or replace trigger _600_record_parts_used after insert on public.inventory_transactions
referencing new table as new_rows
for each statement execute function floorcast.record_parts_used();
comment on trigger _600_record_parts_used on public.inventory_transactions is
'Parts taken for a work order stand in its timeline.';
