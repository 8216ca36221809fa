drop index public.access_that_ends;

alter table public.user_warehouse_access
drop constraint access_ends_at_a_time,
drop column ends_at;
