-- Names who wrote a row, when the statement does not. The policies let people name nobody but themselves; servers may name
-- others, because they load history and act on somebody's behalf.
create or replace function floorcast.attribute()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    new.actor := coalesce(new.actor, floorcast.actor());
    return new;
end
$$;

comment on function floorcast.attribute() is
'BEFORE INSERT row trigger of tables with an actor: the caller, unless the statement names one.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.attribute() from public;

create or replace trigger _100_attribute before insert on public.work_order_assignments
for each row execute function floorcast.attribute();
comment on trigger _100_attribute on public.work_order_assignments is 'Who assigned, unless the statement says.';
create or replace trigger _100_attribute before insert on public.work_order_timeline
for each row execute function floorcast.attribute();
comment on trigger _100_attribute on public.work_order_timeline is
'Who did what the entry tells, unless the statement says.';
create or replace trigger _100_attribute before insert on public.inventory_transactions
for each row execute function floorcast.attribute();
comment on trigger _100_attribute on public.inventory_transactions is 'Who moved stock, unless the statement says.';
create or replace trigger _100_attribute before insert on public.work_order_attachments
for each row execute function floorcast.attribute();
comment on trigger _100_attribute on public.work_order_attachments is 'Who attached it, unless the statement says.';
create or replace trigger _100_attribute before insert on public.equipment_maintenance_history
for each row execute function floorcast.attribute();
comment on trigger _100_attribute on public.equipment_maintenance_history is
'Who wrote the line, unless the statement says.';
