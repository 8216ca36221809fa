-- Keeps what follows from a schedule's calendar: the anchor that its dues are counted from, and when its order is made.
--
-- A due that people set begins a new count, unless it is one of the count already: then the 28th of February goes on meaning
-- the end of the month. A schedule that is resumed makes up for the newest due that it slept through, and for no other.
create or replace function floorcast.anchor_schedule()
returns trigger
volatile
-- definer: people may not call the arithmetic, which is nobody's API.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _number integer;
begin
    -- A zone that nobody knows fails here, and not at every run of the job.
    perform now() at time zone new.time_zone;
    if new.next_due is null or not isfinite(new.next_due) then
        -- By meter; or wrong, and then the constraint says so better than arithmetic would.
        new.anchor := new.next_due;
        new.order_at := new.next_due;
        return new;
    end if;

    if tg_op = 'INSERT' then
        new.anchor := new.next_due;
    else
        new.anchor := old.anchor;
        if old.anchor is null
            or (new.schedule_type, new.frequency, new.time_zone) <> (old.schedule_type, old.frequency, old.time_zone)
        then
            new.anchor := new.next_due;
        elsif new.next_due <> old.next_due then
            _number := floorcast.due_number(
                new.anchor, new.schedule_type, new.frequency, new.time_zone, new.next_due
            );
            if _number < 0 or new.next_due <> floorcast.due(
                new.anchor, new.schedule_type, new.frequency, new.time_zone, _number
            ) then
                new.anchor := new.next_due;
            end if;
        elsif (new.active and new.deleted_at is null) > (old.active and old.deleted_at is null) then
            _number := floorcast.due_number(
                new.anchor, new.schedule_type, new.frequency, new.time_zone, clock_timestamp()
            );
            new.next_due := greatest(
                new.next_due,
                floorcast.due(new.anchor, new.schedule_type, new.frequency, new.time_zone, greatest(_number, 0))
            );
        end if;
    end if;
    new.order_at := ((new.next_due at time zone new.time_zone) - new.lead) at time zone new.time_zone;
    return new;
end
$$;

comment on function floorcast.anchor_schedule() is
'BEFORE INSERT OR UPDATE row trigger of maintenance_schedules: anchor and order_at follow from next_due and lead.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.anchor_schedule() from public;

create or replace trigger _100_anchor_schedule before insert or update on public.maintenance_schedules
for each row execute function floorcast.anchor_schedule();
comment on trigger _100_anchor_schedule on public.maintenance_schedules is
'What its dues are counted from, and when its next order is made.';
