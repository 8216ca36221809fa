-- Makes the partitions of the trail that will be needed next; the relay calls it now and then, and migrate at once.
-- Partitions are ranges of transactions, so that a tick reads one or two of them and retention can drop whole ones.
-- Definer: the relay's role owns nothing.
create or replace function floorcast.extend_trail()
returns integer
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
language plpgsql
as $$
declare
    _width constant bigint := 10000000;
    _current bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint / _width;
    _name text;
    _made integer := 0;
begin
    for _range in _current .. _current + 1 loop
        _name := 'change_' || lpad(_range::text, 8, '0');
        continue when to_regclass(format('floorcast.%I', _name)) is not null;
        begin
            -- Made beside the trail and attached: `partition of` would lock writers out while it waits for its turn.
            execute format('create table floorcast.%I (like floorcast.change including all)', _name);
            execute format('alter table floorcast.%I alter column xid set (n_distinct = -1)', _name);
            -- Nobody has a right on a partition, or a policy: it is reached through the trail.
            execute format('alter table floorcast.%I enable row level security, force row level security', _name);
            perform floorcast.guard_from_truncate(format('floorcast.%I', _name)::regclass);
            perform floorcast.guard_from_inserts(format('floorcast.%I', _name)::regclass);
            execute format(
                'alter table floorcast.change attach partition floorcast.%I for values from (%L) to (%L)',
                _name, _range * _width, (_range + 1) * _width
            );
            _made := _made + 1;
        exception when check_violation then
            -- No relay ran for so long that the range began in the default partition; there it ends, too.
            null;
        end;
    end loop;
    return _made;
end;
$$;

comment on function floorcast.extend_trail() is 'Makes the next partitions of floorcast.change; returns how many.';

revoke execute on function floorcast.extend_trail() from public;
grant execute on function floorcast.extend_trail() to floorcast_relay;

-- Whatever statistics say, the planner is told that a transaction has about one row. After a large import they would say
-- that it has a good part of the table, and each tick would scan all of it for the few that were running before.
alter table floorcast.change alter column xid set (n_distinct = -1, n_distinct_inherited = -1);
alter table floorcast.change_default alter column xid set (n_distinct = -1);

select floorcast.extend_trail();
