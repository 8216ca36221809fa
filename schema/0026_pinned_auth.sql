-- depends: 0001_namespaces_and_roles
-- The functions of `auth` that we made look for names in pg_catalog first. With an empty search_path temporary types come before
-- it: whoever may make one called `uuid` would have had it used by security definers that ask who is calling.
-- Supabase's own have no search_path, so inside of ours they use ours.
do $$
declare
    _function regprocedure;
begin
    for _function in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        where p.pronamespace = 'auth'::regnamespace and obj_description(p.oid, 'pg_proc') like 'Floorcast:%'
    loop
        execute format('alter function %s set search_path = pg_catalog, pg_temp', _function);
    end loop;
end
$$;
