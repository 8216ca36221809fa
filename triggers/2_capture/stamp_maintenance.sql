-- A line in the book of maintenance is of the transaction that writes it, of this moment, by whoever it is; whatever was given.
-- Else its owner could write one by hand for a transaction that is yet to come, and find the trail open then without a word.
create or replace function floorcast.stamp_maintenance()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    new.xid := pg_current_xact_id();
    new.begun_at := clock_timestamp();
    new.actor := floorcast.actor();
    return new;
end;
$$;

comment on function floorcast.stamp_maintenance() is
'Has a line in the book of maintenance say who, when and in which transaction, whatever was given.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.stamp_maintenance() from public;

create or replace trigger _100_stamp before insert on floorcast.maintenance
for each row execute function floorcast.stamp_maintenance();
comment on trigger _100_stamp on floorcast.maintenance is 'The book says who, when and in which transaction by itself.';

alter table floorcast.maintenance enable always trigger _100_stamp;
