alter table public.user_warehouse_access drop column organization_id;
alter table public.users drop column organization_id;
