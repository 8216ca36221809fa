-- Tells those who lead that maintenance is due: its work order is there, and nobody is assigned yet.
create or replace function floorcast.notify_maintenance_due()
returns trigger
volatile
-- definer: it writes what is nobody's to write.
security definer
set search_path = pg_catalog, pg_temp
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
                    'type', 'maintenance_due',
                    'title', format('%s is due: %s', n.number, n.title),
                    'work_order_id', n.id,
                    'equipment_id', n.equipment_id
                )
            )
        )
    into _events
    from new_rows as n
    -- Not what is loaded as done.
    where n.schedule_id is not null and n.status = 'open';
    if _events is not null then
        perform floorcast.write_notifications(_events, array['supervisor', 'manager', 'admin']);
    end if;
    return null;
end
$$;

comment on function floorcast.notify_maintenance_due() is
'AFTER INSERT statement trigger of work_orders: tells leads of an order that a schedule made.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.notify_maintenance_due() from public;

create or replace trigger _600_notify_maintenance_due after insert on public.work_orders
referencing new table as new_rows
for each statement execute function floorcast.notify_maintenance_due();
comment on trigger _600_notify_maintenance_due on public.work_orders is
'Tells those who lead of an order that a schedule made.';
