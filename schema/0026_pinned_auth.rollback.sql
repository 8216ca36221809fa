do $$
declare
    _function regprocedure;
begin
    for _function in
        select p.oid::regprocedure
        from pg_catalog.pg_proc as p
        where p.pronamespace = 'auth'::regnamespace and obj_description(p.oid, 'pg_proc') like 'Floorcast:%'
    loop
        execute format('alter function %s set search_path = ''''', _function);
    end loop;
end
$$;
