-- The caller, while he works here: somebody who left (users.deleted_at) is nobody, although his token may still be good.
create or replace function floorcast.my_id()
returns uuid
stable
-- definer: the policy of users asks this function, and as the caller it would ask itself for ever. It tells the caller his own id.
security definer
set search_path = pg_catalog, pg_temp
language sql
as $$
    select u.id
    from public.users as u
    -- A server's token may name a system that has no uuid.
    where u.id = (case when not floorcast.is_server() then auth.uid() end) and u.deleted_at is null
$$;

comment on function floorcast.my_id() is 'auth.uid(), if that is an active user; else null.';

revoke all on function floorcast.my_id() from public;
grant execute on function floorcast.my_id() to authenticated, service_role;
