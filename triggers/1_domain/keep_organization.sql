-- What moves to another warehouse stays in its organization: its history, and what it cost, would go to another customer.
-- Where a row carries its organization a foreign key says so (work_orders); this is for those that do not.
-- It is about servers: people are of one organization, and the policies let them move what they may to where they may. They are
-- told the same of a warehouse of others as of none.
create or replace function floorcast.keep_organization()
returns trigger
volatile
-- definer: it reads warehouses, perhaps out of the writer's sight.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    if floorcast.is_server() and not exists (
        select
        from public.warehouses as here
        inner join public.warehouses as there on there.organization_id = here.organization_id
        where here.id = old.warehouse_id and there.id = new.warehouse_id
    ) then
        raise foreign_key_violation using
            message = format('a row of %s moves within its organization only; nothing was changed', tg_table_name),
            hint = 'Give the id of another warehouse of the same organization.',
            table = tg_table_name, schema = tg_table_schema;
    end if;
    return new;
end
$$;

comment on function floorcast.keep_organization() is
'BEFORE UPDATE row trigger of what stands in a warehouse: it moves within its organization only.';

revoke execute on function floorcast.keep_organization() from public;

create or replace trigger _100_keep_organization before update of warehouse_id on public.equipment
for each row when (old.warehouse_id is distinct from new.warehouse_id) execute function floorcast.keep_organization();
comment on trigger _100_keep_organization on public.equipment is 'A machine does not go to another customer.';

create or replace trigger _100_keep_organization before update of warehouse_id on public.inventory_items
for each row when (old.warehouse_id is distinct from new.warehouse_id) execute function floorcast.keep_organization();
comment on trigger _100_keep_organization on public.inventory_items is 'A part does not go to another customer.';

create or replace trigger _100_keep_organization before update of warehouse_id on public.inventory_locations
for each row when (old.warehouse_id is distinct from new.warehouse_id) execute function floorcast.keep_organization();
comment on trigger _100_keep_organization on public.inventory_locations is 'A shelf does not go to another customer.';

create or replace trigger _100_keep_organization before update of warehouse_id on public.maintenance_templates
for each row when (old.warehouse_id is distinct from new.warehouse_id) execute function floorcast.keep_organization();
comment on trigger _100_keep_organization on public.maintenance_templates is 'A template does not go to another customer.';
