-- Hangs the refusal of TRUNCATE on one part of the trail: unlike row triggers, those of TRUNCATE are not copied to partitions.
-- Called by floorcast.extend_trail() for each partition that it makes, and below for those that are there.
create or replace function floorcast.guard_from_truncate(relation regclass)
returns void
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    execute format(
        'create or replace trigger _500_refuse_truncate before truncate on %s'
        ' for each statement execute function floorcast.refuse_trail_changes()',
        guard_from_truncate.relation
    );
    execute format('alter table only %s enable always trigger _500_refuse_truncate', guard_from_truncate.relation);
    execute format(
        'comment on trigger _500_refuse_truncate on %s is %L', guard_from_truncate.relation, 'Keeps the trail, always.'
    );
end;
$$;

comment on function floorcast.guard_from_truncate(regclass) is
'Has TRUNCATE of a part of the trail refused; floorcast.extend_trail() calls it for each new partition.';

revoke execute on function floorcast.guard_from_truncate(regclass) from public;
