-- The timeline is read by everybody in the warehouse. People add what they say and spend, in their own name and at the time it
-- is; what happened to the order is written by triggers, and nobody rewrites any of it.
revoke all on table public.work_order_timeline from public, anon, authenticated;
grant select on table public.work_order_timeline to authenticated;
-- Not "timestamp": a comment cannot be dated back.
grant insert (
    id, warehouse_id, work_order_id, event_type, details, actor
) on table public.work_order_timeline to authenticated;
grant all on table public.work_order_timeline to service_role;

drop policy if exists members_read on public.work_order_timeline;
create policy members_read on public.work_order_timeline for select to authenticated
using (warehouse_id = any(array(select floorcast.my_warehouses())));

drop policy if exists people_add_theirs on public.work_order_timeline;
create policy people_add_theirs on public.work_order_timeline for insert to authenticated
with check (
    event_type in ('commented', 'time_logged', 'attachment_added')
    and actor = (select floorcast.actor())
    and warehouse_id = any(array(
        select floorcast.my_warehouses_as(
            'requester', 'technician', 'contractor', 'inventory_clerk', 'supervisor', 'manager', 'admin'
        )
    ))
);

drop policy if exists servers_do_all on public.work_order_timeline;
create policy servers_do_all on public.work_order_timeline for all to service_role using (true) with check (true);
