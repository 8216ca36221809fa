-- Tells those who lead that a machine that matters went down, and that it is back.
--
-- A session plans this once, with the number of rows that its first statement happened to touch; hence no nested loops, as in
-- record_work_order_changes. Rows are paired by key.
create or replace function floorcast.notify_equipment_status()
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
                    'type', case n.status when 'down' then 'equipment_down' else 'equipment_back' end,
                    'title', case n.status
                        when 'down' then format('%s is down', named.machine)
                        else format('%s is back: %s', named.machine, replace(n.status, '_', ' '))
                    end,
                    'body', n.location,
                    'equipment_id', n.id
                )
            )
        )
    into _events
    from old_rows as o
    inner join new_rows as n on n.id = o.id
    cross join lateral (select concat_ws(' ', n.asset_tag, n.name)) as named (machine)
    where
        n.criticality in ('high', 'critical')
        and n.deleted_at is null
        and n.status <> o.status
        -- A machine that goes from down to the scrap heap is not back.
        and (n.status = 'down' or (o.status = 'down' and n.status <> 'retired'));
    if _events is not null then
        perform floorcast.write_notifications(_events, array['supervisor', 'manager', 'admin']);
    end if;
    return null;
end
$$;

comment on function floorcast.notify_equipment_status() is
'AFTER UPDATE statement trigger of equipment: tells leads that a machine of high criticality is down, or back.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.notify_equipment_status() from public;

create or replace trigger _600_notify_status after update on public.equipment
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.notify_equipment_status();
comment on trigger _600_notify_status on public.equipment is
'Tells those who lead that a machine that matters is down, or back.';
