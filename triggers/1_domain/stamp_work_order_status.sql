-- Writes into a work order what its status implies: when work began and ended, when and by whom it was verified.
--
-- What the statement itself says wins: history is loaded with its own times. Which status may follow which is not decided here.
-- Nobody asked for or verified what a server writes, unless it says who: its token names a system (an ERP's).
-- A reopened order is work again: its end and its verification no longer hold, and keeping them would show it as done.
create or replace function floorcast.stamp_work_order_status()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _now timestamptz := clock_timestamp();
    _done constant text[] := array['completed', 'verified', 'closed', 'cancelled'];
begin
    if tg_op = 'INSERT' then
        new.requested_by := coalesce(new.requested_by, floorcast.my_id());
    elsif new.status = old.status then
        new.status_changed_at := old.status_changed_at;
        return new;
    else
        new.status_changed_at := _now;
        if old.status = any (_done) and new.status <> all (_done) then
            new.actual_end := null;
            new.verified_by := null;
            new.verified_at := null;
        end if;
    end if;

    case new.status
        when 'in_progress' then
            new.actual_start := coalesce(new.actual_start, _now);
        when 'completed' then
            new.actual_end := coalesce(new.actual_end, greatest(new.actual_start, _now));
        when 'verified' then
            new.verified_at := coalesce(new.verified_at, _now);
            new.verified_by := coalesce(new.verified_by, floorcast.my_id());
        else
            null;
    end case;
    return new;
end
$$;

comment on function floorcast.stamp_work_order_status() is
'BEFORE INSERT OR UPDATE row trigger of work_orders: requester, actual times and verification follow from status unless given.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.stamp_work_order_status() from public;

create or replace trigger _100_stamp_status before insert or update on public.work_orders
for each row execute function floorcast.stamp_work_order_status();
comment on trigger _100_stamp_status on public.work_orders is
'Requester, times and verification follow from the status, unless given.';
