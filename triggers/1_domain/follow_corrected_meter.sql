-- A meter that is put right takes its schedules back: a reading that was too high may have moved them on by years, and maintenance
-- would not be due until the meter gets there. Each goes back by whole steps of its frequency, until it is due at most one step
-- after what the meter shows now; so it keeps its count. One that the reading had not reached is left as it is: people set it.
--
-- Orders that the slip made stay; who put the meter right cancels them.
create or replace function floorcast.follow_corrected_meter()
returns trigger
volatile
-- definer: whoever reads a meter need not be one who plans maintenance.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _machines uuid[];
    _before numeric[];
    _after numeric[];
begin
    -- A full join, which is no nested loop, even if the session's first statement was small.
    select array_agg(n.id), array_agg(o.meter_hours), array_agg(n.meter_hours)
    into _machines, _before, _after
    from old_rows as o
    full join new_rows as n on n.id = o.id
    where coalesce(n.meter_hours < o.meter_hours, false);
    if _machines is null then
        return null;
    end if;

    -- In the order of their keys: two statements over the same ones wait for each other instead of deadlocking.
    perform s.id
    from public.maintenance_schedules as s
    where s.equipment_id = any (_machines) and s.schedule_type = 'meter_hours'
    order by s.id
    for no key update of s;

    update public.maintenance_schedules as s
    set next_due_meter = s.next_due_meter - s.frequency * (ceil((s.next_due_meter - m.after) / s.frequency) - 1)
    from unnest(_machines, _before, _after) as m (id, before, after)
    where
        s.equipment_id = m.id
        and s.schedule_type = 'meter_hours'
        and s.next_due_meter - m.before <= s.frequency
        and s.next_due_meter - m.after > s.frequency;
    return null;
end
$$;

comment on function floorcast.follow_corrected_meter() is
'AFTER UPDATE statement trigger of equipment: when a meter is put right, its schedules are due by what it shows now.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.follow_corrected_meter() from public;

create or replace trigger _600_follow_corrected_meter after update on public.equipment
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.follow_corrected_meter();
comment on trigger _600_follow_corrected_meter on public.equipment is
'A meter that is put right takes its schedules back.';
