-- Tells who orders parts that what is available of one fell to its reorder point: at the statement that crossed it, and not again
-- at every piece below. Setting another reorder point is somebody's decision, and tells nobody.
--
-- Behind every movement of stock, so it looks at the rows of the statement and at nothing else unless one crossed. An
-- intersection and not a join of transition tables: that would be a nested loop if the session's first statement was small.
create or replace function floorcast.notify_low_stock()
returns trigger
volatile
-- definer: it writes what is nobody's to write.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _items uuid[];
    _events public.notifications[];
begin
    select array_agg(crossed.id)
    into _items
    from (
        select n.id, n.reorder_point
        from new_rows as n
        where n.quantity - n.reserved <= n.reorder_point and n.deleted_at is null
        intersect
        select o.id, o.reorder_point
        from old_rows as o
        where o.quantity - o.reserved > o.reorder_point
    ) as crossed;
    if _items is null then
        return null;
    end if;

    select
        array_agg(
            jsonb_populate_record(
                null::public.notifications,
                jsonb_build_object(
                    'warehouse_id', i.warehouse_id,
                    'type', 'below_reorder_point',
                    'title', format(
                        '%s: %s %s available, to be ordered at %s',
                        concat_ws(' ', i.part_number, i.name),
                        trim_scale(i.quantity - i.reserved),
                        i.unit,
                        trim_scale(i.reorder_point)
                    ),
                    'body', 'Order ' || trim_scale(i.reorder_quantity) || ' ' || i.unit || '.',
                    'item_id', i.id
                )
            )
        )
    into _events
    from public.inventory_items as i
    where i.id = any (_items);
    perform floorcast.write_notifications(_events, array['inventory_clerk', 'manager']);
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
