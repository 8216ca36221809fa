-- Who is where, as a trusted server sees it. Parameters are psycopg's %(name)s.

-- name: become
select set_config('role', 'service_role', true);

-- name: warehouses
select
    w.id,
    w.name,
    w.organization_id
from public.warehouses as w
where w.deleted_at is null
order by w.name, w.id;

-- name: people
select
    u.id,
    coalesce(u.display_name, u.id::text) as name,
    jsonb_object_agg(a.warehouse_id, a.role) as roles
from public.users as u
inner join public.user_warehouse_access as a on a.user_id = u.id
where u.deleted_at is null
group by u.id
order by name, u.id;

-- name: machines
-- Machines by tag, to find those that history speaks of.
select
    e.id,
    e.warehouse_id
from public.equipment as e
where e.asset_tag = %(tag)s and e.warehouse_id = any(%(warehouses)s) and e.deleted_at is null
order by e.created_at
limit 1;

-- name: item
select i.id
from public.inventory_items as i
where i.part_number = %(part_number)s and i.warehouse_id = %(warehouse)s and i.deleted_at is null;
