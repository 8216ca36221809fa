-- What a new embedded cluster needs before the first migration; harmless when it is there already.
-- The group roles are those of migrations, which then find them: a login must be a member of them from the start, because
-- one cluster may hold many databases (each test clones one) and roles belong to the cluster.
do $$
declare
    _role text;
    _login text;
begin
    foreach _role in array array[
        'anon', 'authenticated', 'service_role',
        'floorcast_relay', 'floorcast_gateway', 'floorcast_maintain', 'floorcast_viewer'
    ] loop
        continue when exists (select from pg_catalog.pg_roles where rolname = _role);
        execute format('create role %I nologin noinherit', _role);
    end loop;

    -- As a login in production should be: it can become what it needs on purpose, and inherits nothing by accident.
    foreach _login in array array[
        'floorcast_service', 'floorcast_relay_login', 'floorcast_gateway_login', 'floorcast_maintain_login'
    ] loop
        continue when exists (select from pg_catalog.pg_roles where rolname = _login);
        execute format('create role %I login nosuperuser noinherit nocreatedb nocreaterole', _login);
    end loop;

    -- One for each process. The gateway reads first pictures as the role of the caller's token; that may be service_role.
    grant floorcast_relay to floorcast_relay_login;
    grant anon, authenticated, service_role, floorcast_gateway to floorcast_gateway_login;
    grant floorcast_maintain to floorcast_maintain_login;

    -- One for everything: for commands that people type, and for the people whom the demo factory plays.
    grant anon, authenticated, service_role, floorcast_relay, floorcast_gateway, floorcast_maintain to floorcast_service;
end
$$;
