-- A completed work order is a line in the history of its machine. One that is reopened and completed again is a second line:
-- work was done twice. Loaded history, which comes as orders that are done already, is one line each.
--
-- A session plans this once, with the number of rows that its first statement happened to touch; hence no nested loops, as in
-- record_work_order_changes. Rows are paired by key.
create or replace function floorcast.record_maintenance()
returns trigger
volatile
-- definer: people may add lines in their own name; this writes what the order says, for whoever completes it.
security definer
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
language plpgsql
as $$
declare
    _completed uuid[];
begin
    if tg_op = 'INSERT' then
        select array_agg(n.id)
        into _completed
        from new_rows as n
        where n.equipment_id is not null and n.status in ('completed', 'verified', 'closed');
    else
        select array_agg(n.id)
        into _completed
        from old_rows as o
        inner join new_rows as n on n.id = o.id
        where n.equipment_id is not null and n.status = 'completed' and o.status <> 'completed';
    end if;
    if _completed is null then
        return null;
    end if;

    insert into public.equipment_maintenance_history (
        warehouse_id, equipment_id, work_order_id, details, hours, cost, meter_hours, actor, performed_at
    )
    select
        n.warehouse_id,
        n.equipment_id,
        n.id,
        jsonb_strip_nulls(
            jsonb_build_object('number', n.number, 'title', n.title, 'type', n.type, 'notes', n.completion_notes)
        ),
        n.actual_hours,
        n.actual_cost,
        e.meter_hours,
        floorcast.actor(),
        coalesce(n.actual_end, clock_timestamp())
    from unnest(_completed) as done (id)
    inner join new_rows as n on n.id = done.id
    inner join public.equipment as e on e.id = n.equipment_id;
    return null;
end
$$;

comment on function floorcast.record_maintenance() is
'AFTER INSERT OR UPDATE statement trigger of work_orders: a completed order is a line in equipment_maintenance_history.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.record_maintenance() from public;

create or replace trigger _600_record_loaded_maintenance after insert on public.work_orders
referencing new table as new_rows
for each statement execute function floorcast.record_maintenance();
comment on trigger _600_record_loaded_maintenance on public.work_orders is
'An order that is loaded as done is a line in the history of its machine.';
create or replace trigger _600_record_maintenance after update on public.work_orders
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.record_maintenance();
comment on trigger _600_record_maintenance on public.work_orders is
'An order that is completed is a line in the history of its machine.';
