-- The job of preventive maintenance: every schedule that is due makes its work order, exactly once, however often this runs
-- and however many run at once. What one due means is in create_due_work_order.
--
-- A transaction: a run that is killed or rolled back made nothing, and the next one makes it. A schedule that Postgres refuses
-- (nothing should) is named in a warning and stops no other. At most so many orders a run, so that locks are held for a moment
-- only; who gets fewer than `most` is done.
--
-- Called by `floorcast maintain`, and by whoever else acts as floorcast_maintain or service_role.
create or replace function floorcast.create_due_work_orders(upto timestamptz default now(), most integer default 100)
returns setof uuid
volatile
-- definer: the role that runs jobs owns nothing and sees no table.
security definer
set search_path = pg_catalog, pg_temp
-- Where it does wait (a key that somebody deletes just now), it gives up soon: the next run comes in a minute.
set lock_timeout = '2s'
language plpgsql
as $$
declare
    _schedule uuid;
    _order uuid;
    _made integer := 0;
begin
    if create_due_work_orders.upto is null or not isfinite(create_due_work_orders.upto) then
        raise invalid_parameter_value using
            message = 'maintenance is made due up to a time, and this is none',
            hint = 'Leave it out for now.';
    end if;
    if create_due_work_orders.most < 1 or create_due_work_orders.most is null then
        raise invalid_parameter_value using
            message = format('a run makes at least one order, not %s', coalesce(create_due_work_orders.most::text, 'null')),
            hint = 'Leave it out for a hundred.';
    end if;

    for _schedule in
        select due.id
        from (
            select s.id, s.order_at
            from public.maintenance_schedules as s
            where s.active and s.deleted_at is null and s.order_at <= create_due_work_orders.upto
            union all
            select s.id, create_due_work_orders.upto
            from public.maintenance_schedules as s
            inner join public.equipment as e on e.id = s.equipment_id
            where s.active and s.deleted_at is null and s.next_due_meter <= e.meter_hours
        ) as due (id, order_at)
        order by due.order_at, due.id
    loop
        begin
            _order := floorcast.create_due_work_order(_schedule, create_due_work_orders.upto);
        exception
            when lock_not_available or deadlock_detected or serialization_failure then
                _order := null;
            when others then
                _order := null;
                raise warning 'maintenance schedule % made no work order: %', _schedule, sqlerrm;
        end;
        if _order is not null then
            return next _order;
            _made := _made + 1;
            exit when _made >= create_due_work_orders.most;
        end if;
    end loop;
end
$$;

comment on function floorcast.create_due_work_orders(timestamptz, integer) is
'Job: each due schedule makes its work order, exactly once, and moves on. Returns the orders made, at most `most`.';

revoke execute on function floorcast.create_due_work_orders(timestamptz, integer) from public;
grant execute on function floorcast.create_due_work_orders(timestamptz, integer) to floorcast_maintain, service_role;
