-- Hangs the refusal of rows that no capture wrote on one part of the trail: triggers for each statement are not copied to partitions.
-- Called by floorcast.extend_trail() for each partition that it makes, and by refuse_inserts.sql for those that are there.
create or replace function floorcast.guard_from_inserts(relation regclass)
returns void
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    execute format(
        'create or replace trigger _100_refuse_inserts before insert on %s'
        ' for each statement when (pg_trigger_depth() = 0) execute function floorcast.refuse_inserts()',
        guard_from_inserts.relation
    );
    execute format('alter table only %s enable always trigger _100_refuse_inserts', guard_from_inserts.relation);
    execute format(
        'comment on trigger _100_refuse_inserts on %s is %L', guard_from_inserts.relation,
        'Keeps out what no capture wrote, outside a maintenance.'
    );
end;
$$;

comment on function floorcast.guard_from_inserts(regclass) is
'Has rows of a part of the trail refused that no capture wrote; floorcast.extend_trail() calls it for each new partition.';

revoke execute on function floorcast.guard_from_inserts(regclass) from public;
