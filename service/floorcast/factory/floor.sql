-- What is going on in the demo factory, as its manager sees it. Parameters are psycopg's %(name)s.

-- name: machines
select
    e.id,
    e.warehouse_id,
    e.name,
    e.type,
    e.criticality,
    e.status
from public.equipment as e
where e.id = any(%(machines)s) and e.deleted_at is null
order by e.id;

-- name: orders
-- Orders that are not done with, and the few that were closed last: one of them may be reopened.
select
    w.id,
    w.warehouse_id,
    w.equipment_id,
    w.number,
    w.title,
    w.status,
    w.priority,
    coalesce(array_agg(a.user_id order by a.assigned_at) filter (where a.user_id is not null), '{}') as assignees
from (
    (
        select *
        from visible.work_orders
        where equipment_id = any(%(machines)s) and status not in ('closed', 'cancelled') and deleted_at is null
        order by created_at
        limit 300
    )
    union all
    (
        select *
        from visible.work_orders
        where equipment_id = any(%(machines)s) and status = 'closed' and deleted_at is null
        order by created_at desc
        limit 10
    )
) as w
left join public.work_order_assignments as a on a.work_order_id = w.id
group by w.id, w.warehouse_id, w.equipment_id, w.number, w.title, w.status, w.priority, w.created_at
order by w.created_at, w.id;

-- name: items
select
    i.id,
    i.warehouse_id,
    i.part_number,
    i.name,
    (i.quantity - i.reserved)::int as available,
    coalesce(i.reorder_point, 0)::int as reorder_point,
    coalesce(i.reorder_quantity, 1)::int as reorder_quantity
from public.inventory_items as i
where i.id = any(%(items)s) and i.deleted_at is null
order by i.id;
