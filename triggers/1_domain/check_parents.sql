-- What is retired takes nothing new: nobody opens an order on a machine that is out of the books, comments on an order that
-- nobody sees, or takes a part that is gone. This is for people; servers load history, and what triggers write follows from
-- what was allowed. Four arguments for each parent: the column, the parent's table, what a row of it is called, its name's column.
--
-- The parent is locked as the foreign key will lock it, so that this adds no wait that was not there; and retire() waits for such
-- locks. So either this sees that the parent is retired, or retire() comes behind what is written here.
create or replace function floorcast.check_parents()
returns trigger
volatile
-- definer: what is retired is out of the writer's sight. He is told of it where he may be, and nowhere else.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _new constant jsonb := to_jsonb(new);
    _key uuid;
    _parent record;
begin
    for _argument in 0 .. tg_nargs - 1 by 4 loop
        _key := (_new ->> tg_argv[_argument])::uuid;
        if _key is null or (tg_op = 'UPDATE' and _new -> tg_argv[_argument] = to_jsonb(old) -> tg_argv[_argument]) then
            continue;
        end if;
        execute format(
            'select t.deleted_at is not null as retired, t.warehouse_id, t.%I as name from public.%I as t where t.id = $1'
            ' for key share', tg_argv[_argument + 3], tg_argv[_argument + 1]
        )
        into _parent
        using _key;
        if _parent.retired and _parent.warehouse_id in (select floorcast.my_warehouses()) then
            raise foreign_key_violation using
                message = format(
                    '%s "%s" is retired and takes nothing new; nothing was written', tg_argv[_argument + 2], _parent.name
                ),
                hint = 'Name one that is in use, or have this one restored first.',
                table = tg_table_name, schema = tg_table_schema, column = tg_argv[_argument];
        end if;
    end loop;
    return new;
end
$$;

comment on function floorcast.check_parents() is
'BEFORE INSERT OR UPDATE row trigger of what belongs to an entity: people attach nothing to one that is retired.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.check_parents() from public;

-- Whose statement it is, is asked in the conditions: there current_user is whoever writes; if a trigger does, its owner.
-- The name comes before _100_inherit_warehouse, which finds no warehouse of what its writer cannot see.
create or replace trigger _100_check_parents before insert or update of equipment_id on public.work_orders
for each row when (not pg_has_role(current_user, 'service_role', 'usage'))
execute function floorcast.check_parents('equipment_id', 'equipment', 'machine', 'name');
comment on trigger _100_check_parents on public.work_orders is 'Nobody opens an order on a retired machine.';

create or replace trigger _100_check_parents before insert on public.work_order_assignments
for each row when (not pg_has_role(current_user, 'service_role', 'usage'))
execute function floorcast.check_parents('work_order_id', 'work_orders', 'work order', 'number');
comment on trigger _100_check_parents on public.work_order_assignments is 'Nobody is put on a retired order.';
create or replace trigger _100_check_parents before insert on public.work_order_timeline
for each row when (not pg_has_role(current_user, 'service_role', 'usage'))
execute function floorcast.check_parents('work_order_id', 'work_orders', 'work order', 'number');
comment on trigger _100_check_parents on public.work_order_timeline is 'Nobody comments on a retired order.';
create or replace trigger _100_check_parents before insert on public.work_order_attachments
for each row when (not pg_has_role(current_user, 'service_role', 'usage'))
execute function floorcast.check_parents('work_order_id', 'work_orders', 'work order', 'number');
comment on trigger _100_check_parents on public.work_order_attachments is 'Nothing is attached to a retired order.';

create or replace trigger _100_check_parents before insert on public.inventory_transactions
for each row when (not pg_has_role(current_user, 'service_role', 'usage'))
execute function floorcast.check_parents(
    'item_id', 'inventory_items', 'item', 'name', 'work_order_id', 'work_orders', 'work order', 'number'
);
comment on trigger _100_check_parents on public.inventory_transactions is
'Nothing of a retired item moves, and nothing is taken for a retired order.';

create or replace trigger _100_check_parents before insert or update of parent_id, child_id
on public.equipment_hierarchy
for each row when (not pg_has_role(current_user, 'service_role', 'usage'))
execute function floorcast.check_parents(
    'parent_id', 'equipment', 'machine', 'name', 'child_id', 'equipment', 'machine', 'name'
);
comment on trigger _100_check_parents on public.equipment_hierarchy is 'Retired machines are part of nothing new.';
create or replace trigger _100_check_parents before insert on public.equipment_maintenance_history
for each row when (not pg_has_role(current_user, 'service_role', 'usage'))
execute function floorcast.check_parents(
    'equipment_id', 'equipment', 'machine', 'name', 'work_order_id', 'work_orders', 'work order', 'number'
);
comment on trigger _100_check_parents on public.equipment_maintenance_history is
'Nobody writes into the history of a retired machine.';
create or replace trigger _100_check_parents before insert or update of equipment_id, template_id
on public.maintenance_schedules
for each row when (not pg_has_role(current_user, 'service_role', 'usage'))
execute function floorcast.check_parents(
    'equipment_id', 'equipment', 'machine', 'name', 'template_id', 'maintenance_templates', 'template', 'name'
);
comment on trigger _100_check_parents on public.maintenance_schedules is
'Nobody plans maintenance of a retired machine, or by a retired template.';
