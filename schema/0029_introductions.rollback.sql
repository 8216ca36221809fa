alter table public.users drop column introduced_at;
