drop table public.user_warehouse_access;
drop table public.users;
drop table public.warehouses;
drop table public.organizations;
