-- Removes messages that are older than that: whole days as partitions, the rest row by row, and at most ten thousand of these in one
-- call. Called by `floorcast maintain`. What the trail has of them stays there. In a Supabase project they are Supabase's to remove.
-- Definer: the process that asks for it owns nothing.
create or replace function floorcast.forget_messages(older_than interval)
returns bigint
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
language plpgsql
as $$
declare
    _before constant timestamp := (clock_timestamp() at time zone 'utc') - forget_messages.older_than;
    _partition record;
    _count bigint;
    _forgotten bigint := 0;
begin
    if coalesce(obj_description(to_regclass('realtime.messages'), 'pg_class') not like 'Floorcast:%', true) then
        return 0;
    end if;
    for _partition in
        select c.oid::regclass as relation, to_date(substring(c.relname from '\d{4}_\d\d_\d\d$'), 'YYYY_MM_DD') as day
        from pg_catalog.pg_inherits as i
        join pg_catalog.pg_class as c on c.oid = i.inhrelid
        where i.inhparent = 'realtime.messages'::regclass and c.relname ~ '^messages_\d{4}_\d\d_\d\d$'
    loop
        continue when _partition.day + 1 > _before;
        execute format('select count(*) from %s', _partition.relation) into _count;
        execute format('drop table %s', _partition.relation);
        _forgotten := _forgotten + _count;
    end loop;

    delete from realtime.messages as m
    where (m.id, m.inserted_at) in (
        select o.id, o.inserted_at from realtime.messages as o
        where o.inserted_at < _before
        limit 10000
    );
    get diagnostics _count = row_count;
    return _forgotten + _count;
end;
$$;

comment on function floorcast.forget_messages(interval) is
'Removes messages of realtime.messages that are older than that, where it is ours; returns how many.';

revoke execute on function floorcast.forget_messages(interval) from public;
grant execute on function floorcast.forget_messages(interval) to floorcast_maintain;
