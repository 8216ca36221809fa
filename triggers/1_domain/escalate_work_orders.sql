-- Escalates work orders that nobody touches: the timeline says so, and the priority rises by one step. Returns how many.
--
-- The rule: an order that is not done, that nothing happened to for that long (no change of it, nothing in its timeline), and
-- whose planned start, if it has one, is that long ago too. Once in each status: an order that stays where it is has been pointed out,
-- and pointing again would only teach people to look away. At the highest priority the line is all that is written.
-- Nothing happens in a warehouse or an organization that is retired.
--
-- Called again and again by `floorcast maintain`. One caller at a time, each with a look of its own after the one before has
-- ended: so that no order escalates twice. Orders that somebody is writing to at this moment are passed over.
create or replace function floorcast.escalate_work_orders(older_than interval)
returns bigint
volatile
-- definer: the role that runs jobs owns nothing and sees no table.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _priorities constant text[] := array['low', 'medium', 'high', 'critical', 'emergency'];
    _before constant timestamptz := clock_timestamp() - escalate_work_orders.older_than;
    _neglected uuid[];
begin
    if escalate_work_orders.older_than <= interval '0' then
        raise invalid_parameter_value using
            message = format('work orders cannot be neglected for %s', escalate_work_orders.older_than),
            hint = 'Give how long nobody may have touched them: interval ''2 days''.';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('floorcast escalate_work_orders', 0));

    _neglected := array(
        select w.id
        from public.work_orders as w
        where
            -- Where nobody is left, nobody is told.
            exists (
                select from public.warehouses as h
                inner join public.organizations as o on o.id = h.organization_id
                where h.id = w.warehouse_id and h.deleted_at is null and o.deleted_at is null
            )
            and w.status not in ('completed', 'verified', 'closed', 'cancelled')
            and w.deleted_at is null
            and w.updated_at < _before
            and coalesce(w.scheduled_start < _before, true)
            and not exists (
                select from public.work_order_timeline as t
                where
                    t.work_order_id = w.id
                    and (t."timestamp" >= _before or (t.event_type = 'escalated' and t."timestamp" >= w.status_changed_at))
            )
        for no key update of w skip locked
    );

    insert into public.work_order_timeline (warehouse_id, work_order_id, event_type, details)
    select
        w.warehouse_id,
        w.id,
        'escalated',
        jsonb_build_object(
            'from', w.priority,
            'to', _priorities[least(array_position(_priorities, w.priority) + 1, 5)],
            'untouched_since', w.updated_at
        )
    from public.work_orders as w
    where w.id = any(_neglected);

    update public.work_orders as w
    set priority = _priorities[array_position(_priorities, w.priority) + 1]
    where w.id = any(_neglected) and w.priority <> 'emergency';

    return cardinality(_neglected);
end
$$;

comment on function floorcast.escalate_work_orders(interval) is
'Escalates orders that nobody touched for that long: a line in the timeline, and one step of priority; once in each status. For servers.';

revoke all on function floorcast.escalate_work_orders(interval) from public;
grant execute on function floorcast.escalate_work_orders(interval) to floorcast_maintain, service_role;
