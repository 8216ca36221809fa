-- Keeps the trail append-only for everybody, its owner and superusers included; those who are neither have no right to try.
-- Fires on the trail, on its ticks and incarnations, and on the book of maintenance.
--
-- A transaction that began with floorcast.begin_maintenance() may change and delete rows of trail and ticks, but neither the
-- book nor what it captured itself: that it took place, by whom and why, stays and is sealed. The row of the book decides, and
-- not a setting, which anybody can make. Its time counts too: after a restore the numbers of transactions come again.
-- TRUNCATE is always refused: it gives triggers no rows to look at.
--
-- Who may drop a trigger, detach a partition or write to the files is not stopped by this. `floorcast audit verify` finds it.
create or replace function floorcast.refuse_trail_changes()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _is_open boolean := tg_level = 'ROW' and tg_argv[0] <> 'book' and exists (
        select from floorcast.maintenance as m
        where m.xid = pg_current_xact_id_if_assigned() and m.begun_at >= transaction_timestamp()
    );
begin
    if _is_open and tg_argv[0] = 'trail' then
        _is_open := old.xid is distinct from pg_current_xact_id();
    end if;
    if _is_open then
        return case tg_op when 'DELETE' then old else new end;
    end if;
    raise exception '% of %.% is refused: the trail is kept as it was written, so that it can prove what happened',
        tg_op, tg_table_schema, tg_table_name
    using errcode = 'object_not_in_prerequisite_state',
        hint = case
            when tg_level = 'STATEMENT' then 'Nothing empties it at once.'
            when tg_argv[0] = 'book' then 'Nothing changes the book of maintenance.'
            else 'Where the law demands it: floorcast.begin_maintenance(''why''), and change it in the same transaction.'
        end;
end;
$$;

comment on function floorcast.refuse_trail_changes() is
'Refuses UPDATE, DELETE and TRUNCATE of the trail and its ticks outside a maintenance that is itself in the trail.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.refuse_trail_changes() from public;

-- Row triggers of the trail are copied to its partitions, those that come later too.
create or replace trigger _100_refuse_changes before update or delete on floorcast.change
for each row execute function floorcast.refuse_trail_changes('trail');
comment on trigger _100_refuse_changes on floorcast.change is 'Keeps the trail append-only, outside a maintenance.';

create or replace trigger _100_refuse_changes before update or delete on floorcast.tick
for each row execute function floorcast.refuse_trail_changes('tick');
comment on trigger _100_refuse_changes on floorcast.tick is 'Keeps ticks as they were sealed, outside a maintenance.';

create or replace trigger _100_refuse_changes before update or delete on floorcast.incarnation
for each row execute function floorcast.refuse_trail_changes('incarnation');
comment on trigger _100_refuse_changes on floorcast.incarnation is 'Keeps the list of histories, outside a maintenance.';

create or replace trigger _100_refuse_changes before update or delete on floorcast.maintenance
for each row execute function floorcast.refuse_trail_changes('book');
comment on trigger _100_refuse_changes on floorcast.maintenance is 'Keeps the book of maintenance, always.';

alter table floorcast.change enable always trigger _100_refuse_changes;
alter table floorcast.tick enable always trigger _100_refuse_changes;
alter table floorcast.incarnation enable always trigger _100_refuse_changes;
alter table floorcast.maintenance enable always trigger _100_refuse_changes;

create or replace trigger _500_refuse_truncate before truncate on floorcast.tick
for each statement execute function floorcast.refuse_trail_changes();
comment on trigger _500_refuse_truncate on floorcast.tick is 'Keeps ticks, always.';

create or replace trigger _500_refuse_truncate before truncate on floorcast.incarnation
for each statement execute function floorcast.refuse_trail_changes();
comment on trigger _500_refuse_truncate on floorcast.incarnation is 'Keeps the list of histories, always.';

alter table floorcast.tick enable always trigger _500_refuse_truncate;
alter table floorcast.incarnation enable always trigger _500_refuse_truncate;

select floorcast.guard_from_truncate(t.relid) from pg_partition_tree('floorcast.change') as t;
