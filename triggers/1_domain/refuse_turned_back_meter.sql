-- A meter counts up. A lower reading is a slip of the finger, or another meter; and schedules that go by the meter would do
-- their work twice, or not until it has caught up. Where such a slip was written before, somebody has to put it right: those whom
-- the rules let `correct_meter` in the machine's warehouse, and servers. Its schedules follow (follow_corrected_meter).
create or replace function floorcast.refuse_turned_back_meter()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    if
        old.meter_hours is not null and coalesce(new.meter_hours < old.meter_hours, true)
        and not floorcast.is_server()
        and not exists (
            select from floorcast.my_warehouses_for('equipment', 'correct_meter') as mine (warehouse_id)
            where mine.warehouse_id = old.warehouse_id
        )
    then
        raise check_violation using
            message = format(
                'the meter of "%s" shows %s hours and does not fall to %s',
                old.name, trim_scale(old.meter_hours), coalesce(trim_scale(new.meter_hours)::text, 'nothing')
            ),
            hint = 'Read it again; if the last reading was wrong, ask a supervisor of this warehouse to put it right.'
                ' After a change of meters go on counting: the last reading of the old one, plus the new one.',
            table = 'equipment', schema = 'public', column = 'meter_hours', constraint = 'a_meter_never_falls';
    end if;
    return new;
end
$$;

comment on function floorcast.refuse_turned_back_meter() is
'BEFORE UPDATE row trigger of equipment: refuses a meter reading below the one before, by others than the rules let put it right.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.refuse_turned_back_meter() from public;

create or replace trigger _100_refuse_turned_back_meter before update on public.equipment
for each row execute function floorcast.refuse_turned_back_meter();
comment on trigger _100_refuse_turned_back_meter on public.equipment is
'A meter never falls, unless who may puts it right.';
