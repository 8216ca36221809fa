-- An organization is seen by whoever may be in one of its warehouses, and written by trusted servers.
revoke all on table public.organizations from public, anon, authenticated;
grant select on table public.organizations to authenticated;
grant all on table public.organizations to service_role;

drop policy if exists members_read on public.organizations;
create policy members_read on public.organizations for select to authenticated
using (id = any(array(select floorcast.my_organizations())));

-- Supabase's service_role bypasses row level security; ours does not, and this says the same.
drop policy if exists servers_do_all on public.organizations;
create policy servers_do_all on public.organizations for all to service_role using (true) with check (true);
