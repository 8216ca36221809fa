-- Makes the partitions of realtime.messages that will be needed next, one a day; `floorcast maintain` has it done, and migrate at once.
-- Days, so that what is too old goes by a partition at a time. In a Supabase project they are Supabase's to make.
-- Definer: the process that asks for it owns nothing.
create or replace function floorcast.extend_messages()
returns integer
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
language plpgsql
as $$
declare
    _today constant date := (clock_timestamp() at time zone 'utc')::date;
    _name text;
    _made integer := 0;
begin
    if coalesce(obj_description(to_regclass('realtime.messages'), 'pg_class') not like 'Floorcast:%', true) then
        return 0;
    end if;
    for _day in 0 .. 2 loop
        _name := 'messages_' || to_char(_today + _day, 'YYYY_MM_DD');
        continue when to_regclass(format('realtime.%I', _name)) is not null;
        begin
            -- Made beside the table and attached: `partition of` would lock writers out while it waits for its turn.
            execute format('create table realtime.%I (like realtime.messages including all excluding identity)', _name);
            execute format('alter table realtime.%I enable row level security', _name);
            execute format(
                'alter table realtime.messages attach partition realtime.%I for values from (%L) to (%L)',
                _name, _today + _day, _today + _day + 1
            );
            _made := _made + 1;
        exception when check_violation then
            -- Nobody made the day before it came: its messages are in the default partition, and go from there one by one.
            null;
        end;
    end loop;
    return _made;
end;
$$;

comment on function floorcast.extend_messages() is 'Makes the next partitions of realtime.messages, where it is ours; returns how many.';

revoke execute on function floorcast.extend_messages() from public;
grant execute on function floorcast.extend_messages() to floorcast_maintain;

select floorcast.extend_messages();
