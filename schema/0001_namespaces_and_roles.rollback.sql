-- Roles stay: they belong to the cluster, and other databases of it may use them.
-- In `auth` only what we made goes, known by its comment: a Supabase project keeps its own.
do $$
declare
    _function regprocedure;
begin
    for _function in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        where p.pronamespace = to_regnamespace('auth')
            and obj_description(p.oid, 'pg_proc') like 'Floorcast:%'
    loop
        execute format('drop function %s', _function);
    end loop;

    if obj_description(to_regnamespace('auth'), 'pg_namespace') like 'Floorcast:%' then
        begin
            drop schema auth;
        exception when dependent_objects_still_exist then
            raise notice 'schema auth is kept: it holds objects that Floorcast did not create';
        end;
    end if;
end
$$;

-- Behaviour from triggers/ has no rollback of its own: functions without their tables go here.
do $$
declare
    _function regprocedure;
begin
    for _function in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        where p.pronamespace = to_regnamespace('floorcast')
    loop
        execute format('drop routine if exists %s cascade', _function);
    end loop;

    revoke all on schema floorcast from authenticated, service_role, floorcast_relay, floorcast_gateway;
    begin
        drop schema floorcast;
    exception when dependent_objects_still_exist then
        raise notice 'schema floorcast is kept: it still holds objects (the ledger of migrations, perhaps)';
    end;
end
$$;
