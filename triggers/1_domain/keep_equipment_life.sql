-- A machine that was retired does not simply run again: it comes back by way of standby or in_maintenance, where somebody looks
-- at it. Between all other statuses it may go as it likes: that is what machines do.
--
-- Its status becomes retired by those who may take it out of the books (the rule for `delete`), and by servers: else whoever sets
-- a machine down could end it, and the maintenance of it, for good.
create or replace function floorcast.keep_equipment_life()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    -- A status that there is not is for the constraint to refuse: a_machine_has_a_known_status.
    if old.status = 'retired' and new.status in ('operational', 'degraded', 'down') then
        raise check_violation using
            message = format('"%s" is retired and cannot become %s', old.name, new.status),
            detail = 'From retired it becomes standby or in_maintenance.',
            hint = 'Set it to in_maintenance, and let somebody look at it before it runs.',
            table = 'equipment', schema = 'public', column = 'status',
            constraint = 'a_retired_machine_is_looked_at_before_it_runs';
    end if;
    if
        new.status = 'retired' and old.status <> 'retired' and not floorcast.is_server()
        and not exists (
            select from floorcast.my_warehouses_for('equipment', 'delete') as mine (warehouse_id)
            where mine.warehouse_id = old.warehouse_id
        )
    then
        raise insufficient_privilege using
            message = format('"%s" is %s, and your role here does not let you retire it; it stays as it is', old.name, old.status),
            hint = 'Set it to down, and ask a manager of this warehouse to retire it.',
            table = 'equipment', schema = 'public', column = 'status';
    end if;
    return new;
end
$$;

comment on function floorcast.keep_equipment_life() is
'BEFORE UPDATE row trigger of equipment: retired by those who may delete it; from there to standby or in_maintenance only.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.keep_equipment_life() from public;

create or replace trigger _100_keep_life before update on public.equipment
for each row execute function floorcast.keep_equipment_life();
comment on trigger _100_keep_life on public.equipment is
'Who may delete a machine sets it to retired; it comes back to standby or in_maintenance only.';
