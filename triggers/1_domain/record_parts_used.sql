-- Parts taken for a work order go into its timeline.
--
-- Part and order must be in the same warehouse when the part is taken. A foreign key cannot say so, since the order may
-- move away later; and without it somebody could write into the timeline of a warehouse that is not his.
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
    _elsewhere uuid;
begin
    select n.work_order_id into _elsewhere
    from new_rows as n
    inner join public.work_orders as w on w.id = n.work_order_id
    where w.warehouse_id <> n.warehouse_id
    limit 1;

    if found then
        raise check_violation using
            message = format('work order %s is not in the warehouse of the part', _elsewhere),
            hint = 'Transfer the part to the warehouse of the order first, and take it from there.',
            table = 'inventory_transactions', schema = 'public', constraint = 'parts_are_taken_for_a_work_order';
    end if;

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
