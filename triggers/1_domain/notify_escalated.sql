-- Tells those who lead that a work order was escalated: nobody touched it for too long. What escalates writes it into the
-- timeline, whatever it is, so this listens there.
create or replace function floorcast.notify_escalated()
returns trigger
volatile
-- definer: it reads the order, and writes what is nobody's to write.
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
                    'warehouse_id', w.warehouse_id,
                    'type', 'escalated',
                    'title', format('%s waits for somebody: %s', w.number, w.title),
                    'work_order_id', w.id,
                    'equipment_id', w.equipment_id
                )
            )
        )
    into _events
    from new_rows as n
    inner join public.work_orders as w on w.id = n.work_order_id
    where n.event_type = 'escalated';
    if _events is not null then
        perform floorcast.write_notifications(_events, array['supervisor', 'manager', 'admin']);
    end if;
    return null;
end
$$;

comment on function floorcast.notify_escalated() is
'AFTER INSERT statement trigger of work_order_timeline: tells leads of an order that was escalated.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.notify_escalated() from public;

create or replace trigger _600_notify_escalated after insert on public.work_order_timeline
referencing new table as new_rows
for each statement execute function floorcast.notify_escalated();
comment on trigger _600_notify_escalated on public.work_order_timeline is
'Tells those who lead of an order that was escalated.';
