-- Fills in the warehouse of what belongs to a machine when the statement leaves it out, as clients that know only the
-- mission's columns do. What it does give is checked by the foreign key over both. The argument names the machine's column.
--
-- invoker: who may not see the machine learns here that there is none, the same as for a machine that does not exist.
create or replace function floorcast.inherit_warehouse_of_machine()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _machine constant uuid := to_jsonb(new) ->> tg_argv[0];
begin
    -- Without it every row would be of no machine, and say so in another law's words.
    if tg_argv[0] is null or not to_jsonb(new) ? tg_argv[0] then
        raise invalid_parameter_value using
            message = format(
                'trigger %s of %s does not name the column that says which machine a row belongs to',
                tg_name, tg_table_name
            ),
            hint = 'Give it the column: execute function floorcast.inherit_warehouse_of_machine(''equipment_id'').';
    end if;
    if new.warehouse_id is null and _machine is not null then
        select e.warehouse_id into new.warehouse_id from public.equipment as e where e.id = _machine;
        if not found then
            raise foreign_key_violation using
                message = format('there is no machine %s, or you may not see it', _machine),
                hint = 'Give the id of a machine in one of your warehouses.';
        end if;
    end if;
    return new;
end
$$;

comment on function floorcast.inherit_warehouse_of_machine() is
'BEFORE INSERT row trigger of what belongs to a machine: warehouse_id is that of the machine unless given.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.inherit_warehouse_of_machine() from public;

create or replace trigger _100_inherit_warehouse before insert on public.equipment_hierarchy
for each row execute function floorcast.inherit_warehouse_of_machine('child_id');
comment on trigger _100_inherit_warehouse on public.equipment_hierarchy is
'The warehouse of the machines, for clients that do not give it.';
create or replace trigger _100_inherit_warehouse before insert on public.equipment_maintenance_history
for each row execute function floorcast.inherit_warehouse_of_machine('equipment_id');
comment on trigger _100_inherit_warehouse on public.equipment_maintenance_history is
'The warehouse of the machine, for clients that do not give it.';
create or replace trigger _100_inherit_warehouse before insert on public.maintenance_schedules
for each row execute function floorcast.inherit_warehouse_of_machine('equipment_id');
comment on trigger _100_inherit_warehouse on public.maintenance_schedules is
'The warehouse of the machine, for clients that do not give it.';
