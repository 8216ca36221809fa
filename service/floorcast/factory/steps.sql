-- What people do, each statement as the person (role authenticated, their claims) under row level security.
-- Inserts bring their ids and pass over a row that is there: a step may be performed again after a lost connection.
-- Parameters are psycopg's %(name)s.

-- name: become
-- Until the end of the transaction. The role comes last: after it nothing more could be set for it.
select
    set_config('request.jwt.claims', %(claims)s, true),
    set_config('role', 'authenticated', true);

-- name: report
insert into public.work_orders (id, warehouse_id, equipment_id, title, type, priority, scheduled_start)
values (
    %(order)s, %(warehouse)s, %(machine)s, %(title)s, %(type)s, %(priority)s, %(scheduled_start)s::timestamptz
)
on conflict (id) do nothing;

-- name: assign
insert into public.work_order_assignments (work_order_id, warehouse_id, user_id)
values (%(order)s, %(warehouse)s, %(user)s)
on conflict (work_order_id, user_id) do nothing;

-- name: set_order_status
update public.work_orders
set status = %(status)s
where id = %(order)s;

-- name: start
-- The work that history tells of has its own time; what happens now is stamped by the database.
update public.work_orders
set status = 'in_progress', actual_start = coalesce(%(at)s::timestamptz, actual_start)
where id = %(order)s;

-- name: complete
update public.work_orders
set
    status = 'completed',
    completion_notes = %(notes)s,
    actual_hours = coalesce(%(hours)s::numeric, actual_hours),
    actual_cost = %(cost)s::numeric,
    actual_end = coalesce(%(at)s::timestamptz, actual_end)
where id = %(order)s;

-- name: set_priority
update public.work_orders
set priority = %(priority)s
where id = %(order)s;

-- name: comment
insert into public.work_order_timeline (id, warehouse_id, work_order_id, event_type, details)
values (%(id)s, %(warehouse)s, %(order)s, 'commented', jsonb_build_object('text', %(text)s::text))
on conflict (id) do nothing;

-- name: set_machine_status
update public.equipment
set status = %(status)s
where id = %(machine)s;

-- name: move_machine
-- Its work orders, and all that belongs to them, move along.
update public.equipment
set warehouse_id = %(warehouse)s
where id = %(machine)s;

-- name: add_machine
insert into public.equipment (id, warehouse_id, asset_tag, name)
values (%(machine)s, %(warehouse)s, %(tag)s, %(name)s)
on conflict (id) do nothing;

-- name: add_item
insert into public.inventory_items (id, warehouse_id, part_number, name, category)
values (%(item)s, %(warehouse)s, %(part_number)s, %(name)s, %(category)s)
on conflict (id) do nothing;

-- name: issue
insert into public.inventory_transactions (id, warehouse_id, item_id, transaction_type, quantity, work_order_id)
values (%(id)s, %(warehouse)s, %(item)s, 'issue', %(quantity)s, %(order)s)
on conflict (id) do nothing;

-- name: receive
insert into public.inventory_transactions (id, warehouse_id, item_id, transaction_type, quantity, reference)
values (%(id)s, %(warehouse)s, %(item)s, 'receipt', %(quantity)s, %(reference)s)
on conflict (id) do nothing;

-- name: adjust
insert into public.inventory_transactions (id, warehouse_id, item_id, transaction_type, quantity, reason)
values (%(id)s, %(warehouse)s, %(item)s, 'adjustment', %(quantity)s, %(reason)s)
on conflict (id) do nothing;

-- name: transfer
-- Both halves in one statement: the parts are in one warehouse or in the other, never in both or in none.
insert into public.inventory_transactions (id, warehouse_id, item_id, transaction_type, quantity, transfer_id)
values
(%(out_id)s, %(from_warehouse)s, %(from_item)s, 'transfer_out', %(quantity)s, %(transfer)s),
(%(in_id)s, %(to_warehouse)s, %(to_item)s, 'transfer_in', %(quantity)s, %(transfer)s)
on conflict (id) do nothing;
