-- Whether the statement runs for a trusted server: as service_role, or as somebody who has its rights (the owner, as a rule).
--
-- Not current_user: inside a definer that is the definer. The setting `role` is what SET ROLE chose, wherever it is asked.
create or replace function floorcast.is_server()
returns boolean
stable
security invoker
set search_path = pg_catalog, pg_temp
language sql
as $$
    select pg_has_role(coalesce(nullif(current_setting('role'), 'none'), session_user), 'service_role', 'usage')
$$;

comment on function floorcast.is_server() is 'Whether the caller is a trusted server: has the rights of service_role.';

revoke execute on function floorcast.is_server() from public;
grant execute on function floorcast.is_server() to authenticated, service_role;
