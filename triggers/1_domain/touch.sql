-- Counts the changes of a row and says when the last one was.
--
-- An UPDATE that changes nothing must leave the row identical to the last byte: capture compares images and writes nothing
-- then, so that a client which saves an untouched form wakes nobody. Hence the comparison `*<>`, which is of images: `<>`
-- takes 1.0 and 1.00 for equal, although a reader of the row sees them differ. version, created_at and updated_at are not the
-- client's to set: they are put back first, so that an UPDATE of nothing else counts as no change.
--
-- A writer who sets `version` to what he last read is told when somebody else was faster, and nothing of his is lost: he reads
-- again and decides. Under READ COMMITTED too: who waited for the row is shown the newer one here. PT409 is what PostgREST
-- turns into 409 Conflict. Who does not set it overwrites, as ever.
--
-- The clock, not now(): of two transactions the one that began first may write last, and updated_at would run backwards.
--
-- Triggers of one kind fire in the order of their names: every other _100_ effect on a row has a name before "touch",
-- because what they write must be there when the images are compared.
create or replace function floorcast.touch()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    if new.version is distinct from old.version then
        raise exception using
            errcode = 'PT409',
            message = format(
                'the row of %s was changed meanwhile: it is at version %s, you held version %s; nothing was changed',
                tg_table_name, old.version, new.version
            ),
            hint = 'Read the row again, look at what changed, and write with its version. Leave version out to overwrite.';
    end if;
    new.created_at := old.created_at;
    new.updated_at := old.updated_at;
    if new *<> old then
        new.version := old.version + 1;
        new.updated_at := clock_timestamp();
    end if;
    return new;
end
$$;

comment on function floorcast.touch() is
'BEFORE UPDATE row trigger: raises version and updated_at of a row that really changes, and of no other.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.touch() from public;

create or replace trigger _100_touch before update on public.organizations
for each row execute function floorcast.touch();
comment on trigger _100_touch on public.organizations is 'Counts the changes of an organization.';
create or replace trigger _100_touch before update on public.warehouses
for each row execute function floorcast.touch();
comment on trigger _100_touch on public.warehouses is 'Counts the changes of a warehouse.';
-- Not when he is introduced somewhere (_600_introduce): nothing that anybody holds of him has changed.
create or replace trigger _100_touch before update on public.users
for each row when (new.introduced_at is not distinct from old.introduced_at) execute function floorcast.touch();
comment on trigger _100_touch on public.users is 'Counts the changes of a person''s record.';
create or replace trigger _100_touch before update on public.equipment
for each row execute function floorcast.touch();
comment on trigger _100_touch on public.equipment is 'Counts the changes of a machine, behind _100_stamp_status.';
create or replace trigger _100_touch before update on public.work_orders
for each row execute function floorcast.touch();
comment on trigger _100_touch on public.work_orders is 'Counts the changes of a work order, behind _100_stamp_status.';
create or replace trigger _100_touch before update on public.inventory_items
for each row execute function floorcast.touch();
comment on trigger _100_touch on public.inventory_items is
'Counts the changes of an item, movements of stock among them.';
create or replace trigger _100_touch before update on public.work_order_attachments
for each row execute function floorcast.touch();
comment on trigger _100_touch on public.work_order_attachments is 'Counts the changes of an attachment.';
create or replace trigger _100_touch before update on public.inventory_locations
for each row execute function floorcast.touch();
comment on trigger _100_touch on public.inventory_locations is
'Counts the changes of a location, those of what lies there among them.';
create or replace trigger _100_touch before update on public.maintenance_templates
for each row execute function floorcast.touch();
comment on trigger _100_touch on public.maintenance_templates is 'Counts the changes of a template.';
create or replace trigger _100_touch before update on public.maintenance_schedules
for each row execute function floorcast.touch();
comment on trigger _100_touch on public.maintenance_schedules is
'Counts the changes of a schedule, behind the triggers that fill in what follows from its calendar.';
