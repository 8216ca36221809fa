-- The demo factory, written by the owner in one transaction. Parameters are psycopg's %(name)s.

-- name: alone
-- One loader at a time: two `up` that start together would both find nothing and both write.
select pg_advisory_xact_lock(hashtextextended('floorcast demo', 0));

-- name: organizations
-- Whether the demo is there, and the name of another organization, if there is one.
select
    coalesce(bool_or(o.id = %(demo)s), false) as is_loaded,
    min(o.name) filter (where o.id <> %(demo)s) as other
from public.organizations as o;

-- name: act_as
-- The demo's own history names a person, not the owner's login.
select set_config('request.jwt.claims', %(claims)s, true);

-- name: organization
insert into public.organizations (id, name) values (%(id)s, %(name)s);

-- name: warehouse
insert into public.warehouses (id, organization_id, name, location)
values (%(id)s, %(organization)s, %(name)s, %(location)s);

-- name: person
insert into public.users (id, warehouse_id, role, display_name)
values (%(id)s, %(warehouse)s, %(role)s, %(name)s);

-- name: access
insert into public.user_warehouse_access (user_id, warehouse_id, role)
values (%(user)s, %(warehouse)s, %(role)s);

-- name: machine
insert into public.equipment (id, warehouse_id, asset_tag, name, type, location, criticality, status)
values (%(id)s, %(warehouse)s, %(tag)s, %(name)s, %(type)s, %(location)s, %(criticality)s, %(status)s);

-- name: item
insert into public.inventory_items (
    id, warehouse_id, part_number, name, category, unit, reorder_point, reorder_quantity, unit_cost, is_critical
)
values (
    %(id)s, %(warehouse)s, %(part_number)s, %(name)s, %(category)s, %(unit)s,
    %(reorder_point)s, %(reorder_quantity)s, %(unit_cost)s, %(is_critical)s
);

-- name: first_stock
insert into public.inventory_transactions (id, warehouse_id, item_id, transaction_type, quantity, reference, unit_cost)
values (%(id)s, %(warehouse)s, %(item)s, 'receipt', %(quantity)s, 'opening stock', %(unit_cost)s);

-- name: template
insert into public.maintenance_templates (
    id, warehouse_id, name, work_order_type, priority, tasks, parts, estimated_duration, safety_notes
)
values (
    %(id)s, %(warehouse)s, %(name)s, %(type)s, %(priority)s, %(tasks)s, %(parts)s,
    make_interval(mins => %(minutes)s), %(safety_notes)s
);

-- name: schedule
-- A day of grace: who works in shifts does on Tuesday what was due on Monday night.
insert into public.maintenance_schedules (
    id, warehouse_id, equipment_id, template_id, schedule_type, frequency, basis, next_due, grace
)
values (
    %(id)s, %(warehouse)s, %(machine)s, %(template)s, %(type)s, %(frequency)s, %(basis)s,
    date_trunc('minute', now()) + make_interval(mins => %(due_minutes)s), interval '1 day'
);

-- name: order
insert into public.work_orders (id, warehouse_id, equipment_id, title, type, priority)
values (%(id)s, %(warehouse)s, %(machine)s, %(title)s, %(type)s, %(priority)s);

-- name: assignment
insert into public.work_order_assignments (work_order_id, warehouse_id, user_id)
values (%(order)s, %(warehouse)s, %(user)s);

-- name: progress
update public.work_orders
set status = %(status)s
where id = %(order)s;
