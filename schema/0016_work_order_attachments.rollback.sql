drop table public.work_order_attachments;
