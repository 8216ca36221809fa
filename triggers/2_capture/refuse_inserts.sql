-- Keeps rows out of the trail that no capture wrote, for everybody, its owner and superusers included: the next tick would seal
-- them as if they had happened.
--
-- Capture writes inside a trigger, who writes by hand does not: the triggers' condition tells them apart, so capture never gets
-- here and pays for one comparison a statement. A transaction that began with floorcast.begin_maintenance() may insert.
-- Each partition has a trigger of its own: one for each statement fires for the table that the statement names.
create or replace function floorcast.refuse_inserts()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    if exists (
        select from floorcast.maintenance as m
        where m.xid = pg_current_xact_id_if_assigned() and m.begun_at >= transaction_timestamp()
    ) then
        return null;
    end if;
    raise exception 'INSERT into %.% is refused: the trail has what happened to tracked tables, and is kept as it was written',
        tg_table_schema, tg_table_name
    using errcode = 'object_not_in_prerequisite_state',
        hint = 'Change the table itself. Where the trail must be mended: floorcast.begin_maintenance(''why''), in the same transaction.';
end;
$$;

comment on function floorcast.refuse_inserts() is
'Refuses rows of the trail that are not captured, outside a maintenance that is itself in the trail.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.refuse_inserts() from public;

select floorcast.guard_from_inserts(t.relid) from pg_partition_tree('floorcast.change') as t;
