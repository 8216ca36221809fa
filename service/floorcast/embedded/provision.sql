-- What a new embedded cluster needs before the first migration; harmless when it is there already.
-- The group roles are those of migration 0001, which then finds them: the login role must be a member of them from the
-- start, because one cluster may hold many databases (each test clones one) and roles belong to the cluster.
do $$
declare
    _role text;
begin
    foreach _role in array array['anon', 'authenticated', 'service_role', 'floorcast_relay', 'floorcast_gateway'] loop
        continue when exists (select from pg_catalog.pg_roles where rolname = _role);
        execute format('create role %I nologin noinherit', _role);
    end loop;

    -- As a login in production should be: it can become each role on purpose, and inherits nothing by accident.
    if not exists (select from pg_catalog.pg_roles where rolname = 'floorcast_service') then
        create role floorcast_service login nosuperuser noinherit nocreatedb nocreaterole;
    end if;

    grant anon, authenticated, service_role, floorcast_relay, floorcast_gateway to floorcast_service;
end
$$;
