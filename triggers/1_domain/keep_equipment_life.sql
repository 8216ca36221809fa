-- A machine that was retired does not simply run again: it comes back by way of standby or in_maintenance, where somebody looks
-- at it. Between all other statuses it may go as it likes: that is what machines do.
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
    return new;
end
$$;

comment on function floorcast.keep_equipment_life() is
'BEFORE UPDATE row trigger of equipment: from retired it comes back to standby or in_maintenance only.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.keep_equipment_life() from public;

create or replace trigger _100_keep_life before update on public.equipment
for each row execute function floorcast.keep_equipment_life();
comment on trigger _100_keep_life on public.equipment is
'A retired machine comes back to standby or in_maintenance only.';
