-- How much of the maintenance that fell due in a time was done in time: the figure that a maintenance manager is asked for.
--
-- Every due counts: orders, and what was missed without one. A cancelled order too: it was due and was not done, and a figure
-- that cancelling improves is worth nothing. An order that still has time (its due and grace lie ahead) does not count yet.
--
-- A schedule whose due and grace are past and that has no order counts too, once, however long ago it came to stand: nobody
-- runs the job (`floorcast maintain`), and figures must not be best just then. When it runs again, the history says which dues
-- were missed. By meter nothing has a time before its order is made, so such a schedule counts from then on.
--
-- invoker: row level security decides whose figures one sees; of another warehouse there are none.
create or replace function floorcast.maintenance_compliance(
    warehouse uuid, since timestamptz, until timestamptz default now()
)
returns table (due bigint, done bigint, in_time bigint, compliance numeric)
stable
security invoker
set search_path = pg_catalog, pg_temp
language sql
as $$
    with each as (
        select h.completed_at, h.in_time
        from public.maintenance_history as h
        where
            h.warehouse_id = maintenance_compliance.warehouse
            and h.due_at >= maintenance_compliance.since
            and h.due_at < maintenance_compliance.until
        union all
        select null, false
        from public.work_orders as w
        inner join public.maintenance_schedules as s on s.id = w.schedule_id
        where
            w.warehouse_id = maintenance_compliance.warehouse
            and w.deleted_at is null
            and w.schedule_due >= maintenance_compliance.since
            and w.schedule_due < maintenance_compliance.until
            and floorcast.due_after_blackout(s.blackout, w.schedule_due) + s.grace
            < least(maintenance_compliance.until, now())
            and not exists (
                select from public.maintenance_history as h
                where h.schedule_id = w.schedule_id and h.due_at = w.schedule_due
            )
        union all
        -- What create_due_work_order would make an order of, had it been called.
        select null, false
        from public.maintenance_schedules as s
        inner join public.equipment as e on e.id = s.equipment_id
        inner join public.maintenance_templates as t on t.id = s.template_id
        inner join public.warehouses as p on p.id = s.warehouse_id
        inner join public.organizations as o on o.id = p.organization_id
        where
            s.warehouse_id = maintenance_compliance.warehouse
            and s.active
            and num_nonnulls(s.deleted_at, e.deleted_at, t.deleted_at, p.deleted_at, o.deleted_at) = 0
            and e.status <> 'retired'
            and s.next_due < maintenance_compliance.until
            and floorcast.due_after_blackout(s.blackout, s.next_due) + s.grace
            < least(maintenance_compliance.until, now())
            and maintenance_compliance.since < maintenance_compliance.until
            -- In a blackout without an end nothing is due, though it postpones nothing.
            and not exists (
                select from unnest(s.blackout) as b (period)
                where b.period @> s.next_due and coalesce(not isfinite(upper(b.period)), true)
            )
            -- By completion it waits for its open order, which is counted above.
            and not exists (
                select from public.work_orders as w
                where
                    w.schedule_id = s.id
                    and (
                        w.schedule_due = s.next_due
                        or (
                            s.basis = 'completion'
                            and w.deleted_at is null
                            and w.status not in ('completed', 'verified', 'closed', 'cancelled')
                        )
                    )
            )
            and not exists (
                select from public.maintenance_history as h
                where h.schedule_id = s.id and h.due_at = s.next_due
            )
    )
    select
        count(*),
        count(e.completed_at),
        count(*) filter (where e.in_time),
        round(count(*) filter (where e.in_time)::numeric / nullif(count(*), 0), 4)
    from each as e
$$;

comment on function floorcast.maintenance_compliance(uuid, timestamptz, timestamptz) is
'Of the maintenance of a warehouse that fell due in a time: how much was done, how much in time; the share of those.';

revoke execute on function floorcast.maintenance_compliance(uuid, timestamptz, timestamptz) from public;
grant execute on function floorcast.maintenance_compliance(uuid, timestamptz, timestamptz)
to authenticated, service_role;
grant execute on function floorcast.due_after_blackout(tstzmultirange, timestamptz) to authenticated, service_role;
