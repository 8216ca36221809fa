-- Tells who orders parts that what is available of one fell to its reorder point: at the statement that crossed it, and not again
-- at every piece below. Setting another reorder point is somebody's decision, and tells nobody.
--
-- A session plans this once, with the number of rows that its first statement happened to touch; hence no nested loops, as in
-- record_work_order_changes. Rows are paired by key.
create or replace function floorcast.notify_low_stock()
returns trigger
volatile
-- definer: it writes what is nobody's to write.
security definer
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
language plpgsql
as $$
declare
    _events public.notifications[];
begin
    select
        array_agg(
            jsonb_populate_record(
                null::public.notifications,
                jsonb_build_object(
                    'warehouse_id', n.warehouse_id,
                    'type', 'below_reorder_point',
                    'title', format(
                        '%s: %s %s available, to be ordered at %s',
                        concat_ws(' ', n.part_number, n.name),
                        trim_scale(n.quantity - n.reserved),
                        n.unit,
                        trim_scale(n.reorder_point)
                    ),
                    'body', format('Order %s %s.', trim_scale(n.reorder_quantity), n.unit),
                    'item_id', n.id
                )
            )
        )
    into _events
    from old_rows as o
    inner join new_rows as n on n.id = o.id
    where
        n.quantity - n.reserved <= n.reorder_point
        and o.quantity - o.reserved > n.reorder_point
        and n.deleted_at is null;
    if _events is not null then
        perform floorcast.write_notifications(_events, array['inventory_clerk', 'manager']);
    end if;
    return null;
end
$$;

comment on function floorcast.notify_low_stock() is
'AFTER UPDATE statement trigger of inventory_items: tells clerks and managers that a part fell to its reorder point.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.notify_low_stock() from public;

create or replace trigger _600_notify_low_stock after update on public.inventory_items
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.notify_low_stock();
comment on trigger _600_notify_low_stock on public.inventory_items is
'Tells clerks and managers that a part fell to its reorder point.';
