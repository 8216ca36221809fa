-- Ends capture of a table. What the trail holds stays. Subscribers keep what they have, and are not told more.
create or replace function floorcast.untrack(relation regclass)
returns void
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _function oid;
    _member regclass;
begin
    select g.tgfoid
    into _function
    from pg_catalog.pg_trigger as g
    where g.tgrelid = untrack.relation and g.tgname = '_500_capture_insert';

    for _member in
        select untrack.relation
        union
        select t.relid from pg_catalog.pg_partition_tree(untrack.relation) as t
    loop
        execute format('drop trigger if exists _500_capture_insert on %s', _member);
        execute format('drop trigger if exists _500_capture_update on %s', _member);
        execute format('drop trigger if exists _500_capture_delete on %s', _member);
        execute format('drop trigger if exists _500_refuse_truncate on %s', _member);
    end loop;
    if _function is not null then
        execute format('drop function %s', _function::regprocedure);
    end if;
    delete from floorcast.tracked as t where t.relation = untrack.relation;
end;
$$;

comment on function floorcast.untrack(regclass) is 'Ends capture of a table; the trail keeps what it has.';

revoke execute on function floorcast.untrack(regclass) from public;
