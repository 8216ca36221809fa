-- A row that names a person names one of the organization that it belongs to. Where the table carries its organization a foreign
-- key says so (work_orders); this is for those that carry their warehouse only.
create or replace function floorcast.refuse_outsiders()
returns trigger
volatile
-- definer: the writer may not see who belongs to which organization, and is told only whether this one does.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    perform floorcast.require_place(new.warehouse_id);
    if not exists (
        select
        from public.users as u
        inner join public.warehouses as w on w.organization_id = u.organization_id
        where u.id = new.user_id and w.id = new.warehouse_id
    ) then
        raise foreign_key_violation using
            message = format('there is nobody %s in the organization of this warehouse; nothing was changed', new.user_id),
            hint = 'Give the id of somebody who works in the organization.',
            table = tg_table_name, schema = tg_table_schema;
    end if;
    return new;
end
$$;

comment on function floorcast.refuse_outsiders() is
'BEFORE INSERT OR UPDATE row trigger of tables that name a person: he is of the organization of the row''s warehouse.';

revoke execute on function floorcast.refuse_outsiders() from public;

create or replace trigger _100_refuse_outsiders before insert or update of user_id, warehouse_id
on public.work_order_assignments
for each row execute function floorcast.refuse_outsiders();
comment on trigger _100_refuse_outsiders on public.work_order_assignments is 'Nobody of another organization is assigned.';

create or replace trigger _100_refuse_outsiders before insert or update of user_id, warehouse_id on public.notifications
for each row execute function floorcast.refuse_outsiders();
comment on trigger _100_refuse_outsiders on public.notifications is 'Nobody of another organization is notified.';
