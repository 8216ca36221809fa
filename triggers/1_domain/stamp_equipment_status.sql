-- Says since when a machine has its status, and what it was before.
--
-- Both columns are facts about the history of the row, so a client cannot set them: they are put back unless the status
-- itself changes. previous_status is in the row because every screen needs it ("down, was operational") and a frame carries
-- the new row only.
create or replace function floorcast.stamp_equipment_status()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    new.previous_status := old.previous_status;
    new.status_changed_at := old.status_changed_at;
    if new.status <> old.status then
        new.previous_status := old.status;
        new.status_changed_at := clock_timestamp();
    end if;
    return new;
end
$$;

comment on function floorcast.stamp_equipment_status() is
'BEFORE UPDATE row trigger of equipment: previous_status and status_changed_at follow status.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.stamp_equipment_status() from public;

create or replace trigger _100_stamp_status before update on public.equipment
for each row execute function floorcast.stamp_equipment_status();
comment on trigger _100_stamp_status on public.equipment is
'What the machine''s status was before, and since when it is what it is.';
