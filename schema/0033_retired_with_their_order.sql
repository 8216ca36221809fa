-- depends: 0004_work_orders
-- What hangs on a retired order is retired with it: a timeline whose first entry has the title of an order that is gone, comments
-- and names of people would stay in everybody's sight otherwise. Attachments have the column since they began.

alter table public.work_order_assignments add column deleted_at timestamptz;
comment on column public.work_order_assignments.deleted_at is
'When its order was retired; null unless it is. Kept by _100_inherit_warehouse and the order''s _600_retire_children.';

alter table public.work_order_timeline add column deleted_at timestamptz;
comment on column public.work_order_timeline.deleted_at is
'When its order was retired; null unless it is. Kept by _100_inherit_warehouse and the order''s _600_retire_children.';
