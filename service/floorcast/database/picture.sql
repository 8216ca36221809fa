-- The first picture of a warehouse: what a screen shows before changes arrive.
--
-- All of one request runs in one repeatable read transaction, hence on one snapshot. `coordinates` runs as the gateway, which may
-- read ticks; everything after `become` runs as the caller, through the views in schema visible: they decide which rows there are
-- and which columns are null, by the same rules that the gateway follows for frames.

-- name: begin
-- Read only, so that nothing that a caller's policies call can write.
begin;
set local transaction_isolation = 'repeatable read';
set local transaction_read_only = on;

-- name: coordinates
-- The newest tick that this snapshot sees. Whatever that tick or an earlier one delivered is in the picture: a tick commits after
-- everything it sees. The picture may hold more than the tick; those changes arrive again, as whole rows, and change nothing.
select
    t.tick,
    i.incarnation::text,
    floorcast.iso(clock_timestamp()) as at
from
    (select max(tick) as tick from floorcast.tick) as t,
    (
        select incarnation from floorcast.incarnation
        order by number desc limit 1
    ) as i;

-- name: become
-- Until the end of the transaction. The role comes last: after it nothing more could be set for it.
select
    set_config('statement_timeout', %(milliseconds)s, true),
    set_config('idle_in_transaction_session_timeout', %(milliseconds)s, true),
    set_config('request.jwt.claims', %(claims)s, true),
    set_config('role', %(role)s, true);

-- name: warehouses
-- The warehouses that the caller may open, by name, and his role in each; a service's is its token's, service_role.
select
    coalesce(
        json_agg(
            json_build_object('id', w.id, 'name', w.name, 'location', w.location, 'role', w.role)
            order by w.name, w.id
        ),
        '[]'
    )::text as warehouses
from (
    select
        w.id,
        w.name,
        w.location,
        m.role
    from visible.warehouses as w
    inner join floorcast.my_access() as m on w.id = m.warehouse_id
    order by w.name, w.id
    limit %(most)s
) as w;

-- name: warehouse
-- The one that is asked for, if the caller may open it.
select json_build_object('id', w.id, 'name', w.name, 'location', w.location, 'role', m.role)::text as warehouse
from visible.warehouses as w
inner join floorcast.my_access() as m on w.id = m.warehouse_id
where w.id = %(warehouse)s::uuid;

-- name: tables
-- What matters most comes first in each table, so that a limit cuts off what matters least. Orders that are not open are there
-- only to give events and movements a name, and to be counted.
--
-- Keys that another step found are given as arrays: a condition with an array is pushed down into a view that is a security
-- barrier, and becomes an index scan; a join is not, and would read every row of the warehouse. Neither is an order with a
-- limit, so the keys of the newest come from the table itself, whose row level security is the same.
with events as materialized (
    select seen.*
    from visible.work_order_timeline as seen
    where
        seen.warehouse_id = %(warehouse)s::uuid
        and seen.id = any(
            array(
                select t.id from public.work_order_timeline as t
                where t.warehouse_id = %(warehouse)s::uuid
                order by t."timestamp" desc, t.id
                limit %(recent)s
            )
        )
),

movements as materialized (
    select seen.*
    from visible.inventory_transactions as seen
    where
        seen.warehouse_id = %(warehouse)s::uuid
        and seen.id = any(
            array(
                select t.id from public.inventory_transactions as t
                where t.warehouse_id = %(warehouse)s::uuid
                order by t.created_at desc, t.id
                limit %(recent)s
            )
        )
),

machines as materialized (
    select *
    from visible.equipment
    where warehouse_id = %(warehouse)s::uuid and status <> 'retired'
    order by
        array_position(array['down', 'degraded', 'in_maintenance', 'operational', 'standby'], status),
        array_position(array['critical', 'high', 'medium', 'low'], criticality),
        name,
        id
    limit %(most)s
),

open_orders as materialized (
    select *
    from visible.work_orders
    where
        warehouse_id = %(warehouse)s::uuid
        and status not in ('completed', 'verified', 'closed', 'cancelled')
    order by
        array_position(array['emergency', 'critical', 'high', 'medium', 'low'], priority),
        due_at nulls last,
        created_at,
        id
    limit %(most)s
),

named_orders as materialized (
    select *
    from visible.work_orders
    where
        warehouse_id = %(warehouse)s::uuid
        and id = any(
            array(
                select e.work_order_id from events as e
                union all
                select m.work_order_id from movements as m
            )
        )
        and id not in (select o.id from open_orders as o)
),

items as materialized (
    select *
    from visible.inventory_items
    where warehouse_id = %(warehouse)s::uuid
    order by coalesce(quantity - reserved <= reorder_point, false) desc, is_critical desc, name, id
    limit %(most)s
),

named_items as materialized (
    select *
    from visible.inventory_items
    where
        warehouse_id = %(warehouse)s::uuid
        and id = any(array(select m.item_id from movements as m))
        and id not in (select i.id from items as i)
),

assignments as materialized (
    select *
    from visible.work_order_assignments
    where warehouse_id = %(warehouse)s::uuid and work_order_id = any(array(select o.id from open_orders as o))
    order by assigned_at, user_id
    limit %(most)s
),

-- What was due and was not done counts as due; the open ones are there anyway.
cancelled_dues as materialized (
    select *
    from visible.work_orders
    where
        warehouse_id = %(warehouse)s::uuid
        and status = 'cancelled'
        and schedule_id = any(
            array(
                select s.id from visible.maintenance_schedules as s
                where s.warehouse_id = %(warehouse)s::uuid
            )
        )
        and schedule_due >= now() - interval '90 days'
        and id not in (select o.id from named_orders as o)
    order by schedule_due desc, id
    limit %(most)s
),

-- Schedules: the next due on top. By calendar and by meter apart, so that neither cuts off the other.
next_by_calendar as materialized (
    select *
    from visible.maintenance_schedules
    where warehouse_id = %(warehouse)s::uuid and active and next_due is not null
    order by next_due, id
    limit %(most)s
),

next_by_meter as materialized (
    select s.*
    from visible.maintenance_schedules as s
    inner join visible.equipment as e on s.equipment_id = e.id
    where s.warehouse_id = %(warehouse)s::uuid and s.active and s.next_due is null
    order by s.next_due_meter - coalesce(e.meter_hours, 0), s.id
    limit %(most)s
),

-- An order that is to be done is on the board with its schedule, however far off the next due, and paused ones too.
schedules_of_orders as materialized (
    select *
    from visible.maintenance_schedules
    where
        warehouse_id = %(warehouse)s::uuid
        and id = any(array(select o.schedule_id from open_orders as o))
        and id not in (
            select c.id from next_by_calendar as c
            union all
            select m.id from next_by_meter as m
        )
),

templates as materialized (
    select
        id,
        warehouse_id,
        name
    from visible.maintenance_templates
    where warehouse_id = %(warehouse)s::uuid
    order by name, id
    limit %(most)s
),

-- As far back as the page's figure of what was done in time.
dues as materialized (
    select
        id,
        warehouse_id,
        schedule_id,
        due_at,
        in_time
    from visible.maintenance_history
    where warehouse_id = %(warehouse)s::uuid and due_at >= now() - interval '90 days'
    order by due_at desc, id
    limit %(most)s
),

-- The caller's own, whatever his role; a service has none.
unread as materialized (
    select id
    from public.notifications
    where warehouse_id = %(warehouse)s::uuid and user_id = (select floorcast.my_id()) and read_at is null
    order by created_at desc, id
    limit %(recent)s
),

read as materialized (
    select id
    from public.notifications
    where warehouse_id = %(warehouse)s::uuid and user_id = (select floorcast.my_id()) and read_at is not null
    order by created_at desc, id
    limit greatest(0, %(recent)s - (select count(*) from unread))
),

own as materialized (
    select *
    from visible.notifications
    where id = any(
        array(
            select u.id from unread as u
            union all
            select r.id from read as r
        )
    )
),

-- Names for assignees and actors, those of tomorrow's changes too; as many as the policies show.
people as materialized (
    select
        id,
        display_name
    from visible.users
    order by
        id::text in (
            select a.user_id::text from assignments as a
            union all
            select e.actor from events as e
            union all
            select m.actor from movements as m
        ) desc,
        id
    limit %(most)s
)

select json_build_object(
    'equipment', coalesce((select json_agg(row_to_json(r)) from machines as r), '[]'),
    'work_orders', coalesce(
        (
            select json_agg(row_to_json(r))
            from (
                select * from open_orders
                union all
                select * from named_orders
                union all
                select * from cancelled_dues
            ) as r
        ),
        '[]'
    ),
    'work_order_assignments', coalesce((select json_agg(row_to_json(r)) from assignments as r), '[]'),
    'work_order_timeline', coalesce(
        (select json_agg(row_to_json(r) order by r."timestamp" desc, r.id) from events as r), '[]'
    ),
    'inventory_items', coalesce(
        (
            select json_agg(row_to_json(r))
            from (
                select * from items
                union all
                select * from named_items
            ) as r
        ),
        '[]'
    ),
    'inventory_transactions', coalesce(
        (select json_agg(row_to_json(r) order by r.created_at desc, r.id) from movements as r), '[]'
    ),
    'maintenance_schedules', coalesce(
        (
            select json_agg(row_to_json(r))
            from (
                select * from next_by_calendar
                union all
                select * from next_by_meter
                union all
                select * from schedules_of_orders
            ) as r
        ),
        '[]'
    ),
    'maintenance_templates', coalesce((select json_agg(row_to_json(r)) from templates as r), '[]'),
    'maintenance_history', coalesce((select json_agg(row_to_json(r)) from dues as r), '[]'),
    'notifications', coalesce(
        (select json_agg(row_to_json(r) order by r.read_at is not null, r.created_at desc, r.id) from own as r), '[]'
    ),
    'users', coalesce((select json_agg(row_to_json(r)) from people as r), '[]')
)::text as tables;

-- name: end
-- Nothing was written; rollback also undoes every setting, the role first.
rollback;
