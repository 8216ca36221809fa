-- Makes the work order of one schedule, if that is due, and moves the schedule on; returns the order, or null.
--
-- Once: the schedule's row is locked, and what is due is read under the lock. A row that somebody holds is left for the next
-- run, and so is a machine that is being moved: the job waits for nobody, so that nobody can wait for it in a circle.
--
-- However long nobody ran the job, there is one order, for the newest due that is past. What lies before it is written into the history as
-- missed: nobody will do it twice, and leaving it out would make figures better for the very weeks in which nothing was
-- done. By completion nothing is missed: there is no further due until the last one is done. Dues in a blackout, and while
-- the machine was retired, were none. A lead may reach over several dues to come: each has its order, one a run.
--
-- By completion, a schedule waits for its open order. Its next due is set all the same, as if that order were never done:
-- whatever becomes of it (cancelled, deleted, retired), the schedule goes on by itself; completing it counts anew.
--
-- Called by create_due_work_orders. Writes work_orders, maintenance_schedules, maintenance_history.
create or replace function floorcast.create_due_work_order(schedule uuid, upto timestamptz)
returns uuid
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _found record;
    _missed_at_most constant integer := 366;
    _s public.maintenance_schedules;
    _t public.maintenance_templates;
    _e public.equipment;
    _number integer;
    _first integer;
    _due timestamptz := create_due_work_order.upto;
    _order uuid;
begin
    select s, t, e
    into _found
    from public.maintenance_schedules as s
    inner join public.equipment as e on e.id = s.equipment_id
    inner join public.maintenance_templates as t on t.id = s.template_id
    inner join public.warehouses as w on w.id = s.warehouse_id
    inner join public.organizations as o on o.id = w.organization_id
    where
        s.id = create_due_work_order.schedule
        and s.active
        and s.deleted_at is null
        and t.deleted_at is null
        and e.deleted_at is null
        and e.status <> 'retired'
        and w.deleted_at is null
        and o.deleted_at is null
        and (s.order_at <= create_due_work_order.upto or s.next_due_meter <= e.meter_hours)
        and not s.blackout @> create_due_work_order.upto
    for no key update of s skip locked
    for key share of e, t, w skip locked;
    if not found then
        return null;
    end if;
    _s := _found.s;
    _t := _found.t;
    _e := _found.e;

    -- A statement of its own, behind the lock: the order of a run that was faster is seen here.
    if _s.basis = 'completion' and exists (
        select from public.work_orders as o
        where
            o.schedule_id = _s.id
            and o.deleted_at is null
            and o.status not in ('completed', 'verified', 'closed', 'cancelled')
    ) then
        return null;
    end if;

    if _s.schedule_type <> 'meter_hours' then
        _first := floorcast.due_number(_s.anchor, _s.schedule_type, _s.frequency, _s.time_zone, _s.next_due);
        _number := greatest(
            _first,
            floorcast.due_number(
                _s.anchor, _s.schedule_type, _s.frequency, _s.time_zone, create_due_work_order.upto
            )
        );
        _due := floorcast.due(_s.anchor, _s.schedule_type, _s.frequency, _s.time_zone, _number);
    end if;

    insert into public.work_orders (
        warehouse_id, equipment_id, title, description, type, priority, due_at, estimated_hours, schedule_id, schedule_due
    )
    values (
        _s.warehouse_id,
        _s.equipment_id,
        left(format('%s: %s', _t.name, _e.name), 500),
        floorcast.describe_maintenance(_t),
        _t.work_order_type,
        _t.priority,
        floorcast.due_after_blackout(_s.blackout, _due),
        extract(epoch from _t.estimated_duration) / 3600,
        _s.id,
        _due
    )
    -- Somebody set next_due back to a due that has its order: the schedule moves on, and makes no second one.
    on conflict (schedule_id, schedule_due) where schedule_id is not null do nothing
    returning id into _order;

    if _s.schedule_type = 'meter_hours' then
        update public.maintenance_schedules as s
        set next_due_meter = _s.next_due_meter + _s.frequency * (
            floor((_e.meter_hours - _s.next_due_meter) / _s.frequency) + 1
        )
        where s.id = _s.id;
        return _order;
    end if;

    update public.maintenance_schedules as s
    set next_due = floorcast.due(_s.anchor, _s.schedule_type, _s.frequency, _s.time_zone, _number + 1)
    where s.id = _s.id;

    if _s.basis = 'due' and _number > _first then
        insert into public.maintenance_history (warehouse_id, schedule_id, due_at, in_time)
        select _s.warehouse_id, _s.id, missed.due, false
        from generate_series(greatest(_first, _number - _missed_at_most), _number - 1) as n (number)
        cross join lateral floorcast.due(
            _s.anchor, _s.schedule_type, _s.frequency, _s.time_zone, n.number
        ) as missed (due)
        where
            not _s.blackout @> missed.due
            and (_e.previous_status is distinct from 'retired' or missed.due >= _e.status_changed_at)
            and not exists (
                select from public.work_orders as o
                where o.schedule_id = _s.id and o.schedule_due = missed.due
            )
        on conflict (schedule_id, due_at) do nothing;
    end if;
    return _order;
end
$$;

comment on function floorcast.create_due_work_order(uuid, timestamptz) is
'The work order of one schedule, if it is due and nobody holds it; moves the schedule on. See create_due_work_orders.';

revoke execute on function floorcast.create_due_work_order(uuid, timestamptz) from public;
