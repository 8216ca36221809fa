drop table public.work_order_attachments;
comment on table public.work_order_timeline is
'What happened to a work order, by whom, when. Written by triggers; people add comments, times and attachments.';
