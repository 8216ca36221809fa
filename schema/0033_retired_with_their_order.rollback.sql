alter table public.work_order_timeline drop column deleted_at;
alter table public.work_order_assignments drop column deleted_at;
