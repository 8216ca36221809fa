-- People see themselves and those with whom they share a warehouse: who they are, not how to reach them. Row level security
-- cannot hide columns, so contact data (email, profile_data) is not granted at all: `select *` is refused, by design.
-- Accounts are made and ended by trusted servers.
revoke all on table public.users from public, anon, authenticated;
grant select (
    id, warehouse_id, role, display_name, version, created_at, updated_at, deleted_at
) on table public.users to authenticated;
grant all on table public.users to service_role;

drop policy if exists colleagues_read on public.users;
create policy colleagues_read on public.users for select to authenticated
using (id = (select auth.uid()) or id = any(array(select floorcast.my_colleagues())));

drop policy if exists servers_do_all on public.users;
create policy servers_do_all on public.users for all to service_role using (true) with check (true);
