-- What somebody is told to whom an order is assigned. Called by notify_assigned. Reads nothing.
create or replace function floorcast.assigned_event(work_order public.work_orders, user_id uuid)
returns public.notifications
stable
security invoker
set search_path = pg_catalog, pg_temp
language sql
as $$
    select jsonb_populate_record(
        null::public.notifications,
        jsonb_build_object(
            'warehouse_id', work_order.warehouse_id,
            'user_id', assigned_event.user_id,
            'type', 'assigned',
            'title', format('%s is yours: %s', work_order.number, work_order.title),
            'work_order_id', work_order.id,
            'equipment_id', work_order.equipment_id
        )
    )
$$;

comment on function floorcast.assigned_event(public.work_orders, uuid) is
'What somebody is told to whom an order is assigned; called by notify_assigned.';

revoke execute on function floorcast.assigned_event(public.work_orders, uuid) from public;
