-- The role stays, as all roles do: it belongs to the cluster.
drop schema visible cascade;
drop table floorcast.protected, floorcast.owner_rule, floorcast.column_rule, floorcast.table_rule;
revoke all on schema public, floorcast from floorcast_viewer;
do $$
declare
    _table regclass;
begin
    for _table in
        select c.oid::regclass
        from pg_catalog.pg_class as c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    loop
        execute format('revoke all on %s from floorcast_viewer', _table);
        execute format('alter table %s no force row level security', _table);
    end loop;
end
$$;
