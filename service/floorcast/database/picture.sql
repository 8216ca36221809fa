-- The first picture of a warehouse: what a screen shows before changes arrive.
--
-- All of one request runs in one repeatable read transaction, hence on one snapshot. `coordinates` runs as the gateway, which may
-- read ticks; everything after `become` runs as the caller, and row level security decides what there is.

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
-- The warehouses that the caller may open, by name. A service sees all and has no grant: its role is its token's, and its `sub`
-- need not be a uuid, which is why auth.uid() is not asked.
select
    coalesce(
        json_agg(
            json_build_object('id', w.id, 'name', w.name, 'location', w.location, 'role', coalesce(a.role, %(role)s))
            order by w.name, w.id
        ),
        '[]'
    )::text as warehouses
from (
    select
        id,
        name,
        location
    from visible.warehouses
    where deleted_at is null
    order by name, id
    limit %(most)s
) as w
left join visible.user_warehouse_access as a
    on a.warehouse_id = w.id and a.user_id = case when %(role)s <> 'service_role' then auth.uid() end
where a.role is not null or %(role)s = 'service_role';

-- name: warehouse
-- The one that is asked for, if the caller may open it.
select
    json_build_object(
        'id', w.id, 'name', w.name, 'location', w.location, 'role', coalesce(a.role, %(role)s)
    )::text as warehouse
from visible.warehouses as w
left join visible.user_warehouse_access as a
    on a.warehouse_id = w.id and a.user_id = case when %(role)s <> 'service_role' then auth.uid() end
where
    w.id = %(warehouse)s::uuid
    and w.deleted_at is null
    and (a.role is not null or %(role)s = 'service_role');

-- name: tables
-- What matters most comes first in each table, so that a limit cuts off what matters least. Orders that are not open are there
-- only to give events and movements a name.
with events as materialized (
    select *
    from visible.work_order_timeline
    where warehouse_id = %(warehouse)s::uuid
    order by "timestamp" desc, id
    limit %(recent)s
),

movements as materialized (
    select *
    from visible.inventory_transactions
    where warehouse_id = %(warehouse)s::uuid
    order by created_at desc, id
    limit %(recent)s
),

machines as materialized (
    select *
    from visible.equipment
    where warehouse_id = %(warehouse)s::uuid and deleted_at is null and status <> 'retired'
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
        and deleted_at is null
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
        and id in (
            select e.work_order_id from events as e
            union all
            select m.work_order_id from movements as m
        )
        and id not in (select o.id from open_orders as o)
),

items as materialized (
    select *
    from visible.inventory_items
    where warehouse_id = %(warehouse)s::uuid and deleted_at is null
    order by coalesce(quantity - reserved <= reorder_point, false) desc, is_critical desc, name, id
    limit %(most)s
),

named_items as materialized (
    select *
    from visible.inventory_items
    where
        warehouse_id = %(warehouse)s::uuid
        and id in (select m.item_id from movements as m)
        and id not in (select i.id from items as i)
),

assignments as materialized (
    select *
    from visible.work_order_assignments
    where warehouse_id = %(warehouse)s::uuid and work_order_id in (select o.id from open_orders as o)
    order by assigned_at, user_id
    limit %(most)s
),

-- Names for assignees and actors, those of tomorrow's changes too; as many as the policies show.
people as materialized (
    select
        id,
        display_name
    from visible.users
    where deleted_at is null
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
            ) as r
        ),
        '[]'
    ),
    'work_order_assignments', coalesce((select json_agg(row_to_json(r)) from assignments as r), '[]'),
    'work_order_timeline', coalesce((select json_agg(row_to_json(r)) from events as r), '[]'),
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
    'inventory_transactions', coalesce((select json_agg(row_to_json(r)) from movements as r), '[]'),
    'users', coalesce((select json_agg(row_to_json(r)) from people as r), '[]')
)::text as tables;

-- name: end
-- Nothing was written; rollback also undoes every setting, the role first.
rollback;
