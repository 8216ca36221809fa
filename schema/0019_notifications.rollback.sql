drop table public.notifications;
