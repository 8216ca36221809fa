-- An order of a schedule that is done goes into the history, and moves on a schedule that counts from the completion.
--
-- Done is completed, or whatever comes behind it. An order that is reopened and done again keeps its one line of history: it
-- tells of the last time, since what had to be reopened was not done.
--
-- When it was done is what the order says (work of Friday is booked on Monday), but not after now: a slip of the pen would
-- put off the next maintenance for years. Nor before there was anything to do, which is the due itself where its order came
-- late: maintenance of years ago would have been in time, and the next due would lie in the past.
--
-- Schedules are locked in the order of their keys: two statements that complete orders of the same ones wait for each other
-- instead of deadlocking, and the job does not wait at all.
create or replace function floorcast.follow_schedule()
returns trigger
volatile
-- definer: people complete orders; history and schedules move by that only.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _done constant text[] := array['completed', 'verified', 'closed'];
    _orders uuid[];
begin
    -- Most orders are of no schedule, and most changes complete none: no more than a look at them.
    if not exists (
        select from new_rows as n
        where n.schedule_id is not null and n.status = any (_done)
    ) then
        return null;
    end if;

    -- A difference of sets and not a join of transition tables: that would be a nested loop if the session's first
    -- statement was small.
    if tg_op = 'INSERT' then
        select array_agg(n.id) into _orders
        from new_rows as n
        where n.schedule_id is not null and n.status = any (_done);
    else
        select array_agg(finished.id) into _orders
        from (
            select n.id from new_rows as n
            where n.schedule_id is not null and n.status = any (_done)
            except
            select o.id from old_rows as o
            where o.schedule_id is not null and o.status = any (_done)
        ) as finished;
    end if;
    if _orders is null then
        return null;
    end if;

    perform s.id
    from public.maintenance_schedules as s
    where s.id in (select w.schedule_id from public.work_orders as w where w.id = any (_orders))
    order by s.id
    for no key update of s;

    with finished as (
        select
            w.*,
            least(
                greatest(coalesce(w.actual_end, clock_timestamp()), least(w.created_at, w.schedule_due)), clock_timestamp()
            ) as completed_at,
            s.basis,
            s.schedule_type,
            s.frequency,
            s.time_zone,
            s.grace,
            s.blackout,
            e.meter_hours
        from public.work_orders as w
        inner join public.maintenance_schedules as s on s.id = w.schedule_id
        inner join public.equipment as e on e.id = s.equipment_id
        where w.id = any (_orders)
    ),
    recorded as (
        insert into public.maintenance_history as h (
            warehouse_id, schedule_id, work_order_id, due_at, completed_at, in_time, results
        )
        select
            f.warehouse_id,
            f.schedule_id,
            f.id,
            f.schedule_due,
            f.completed_at,
            f.completed_at <= floorcast.due_after_blackout(f.blackout, f.schedule_due) + f.grace,
            jsonb_strip_nulls(
                jsonb_build_object('number', f.number, 'notes', f.completion_notes, 'hours', f.actual_hours)
            )
        from finished as f
        on conflict (schedule_id, due_at) do update
            set
                work_order_id = excluded.work_order_id,
                completed_at = excluded.completed_at,
                in_time = excluded.in_time,
                results = excluded.results
    ),
    -- The newest order of each schedule; if there is a newer one still, the schedule has gone on without this one.
    newest as (
        select distinct on (f.schedule_id) f.*
        from finished as f
        order by f.schedule_id, f.schedule_due desc
    )
    update public.maintenance_schedules as s
    set
        last_completed_at = greatest(s.last_completed_at, n.completed_at),
        next_due = case
            when moves.on_calendar then floorcast.due(n.completed_at, n.schedule_type, n.frequency, n.time_zone, 1)
            else s.next_due
        end,
        next_due_meter = case when moves.on_meter then n.meter_hours + n.frequency else s.next_due_meter end
    from newest as n
    cross join lateral (
        select
            n.basis = 'completion' and not exists (
                select from public.work_orders as later
                where later.schedule_id = n.schedule_id and later.schedule_due > n.schedule_due
            ) as counts
    ) as is_last
    cross join lateral (
        select
            is_last.counts and n.schedule_type <> 'meter_hours' as on_calendar,
            -- A machine that lost its meter keeps the due that it had.
            is_last.counts and n.schedule_type = 'meter_hours' and n.meter_hours is not null as on_meter
    ) as moves
    where s.id = n.schedule_id;
    return null;
end
$$;

comment on function floorcast.follow_schedule() is
'AFTER statement trigger of work_orders: a done order of a schedule goes into maintenance_history, and may move the schedule on.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.follow_schedule() from public;

create or replace trigger _600_follow_schedule_insert after insert on public.work_orders
referencing new table as new_rows
for each statement execute function floorcast.follow_schedule();
comment on trigger _600_follow_schedule_insert on public.work_orders is
'Maintenance that is loaded as done goes into the history.';
create or replace trigger _600_follow_schedule_update after update on public.work_orders
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.follow_schedule();
comment on trigger _600_follow_schedule_update on public.work_orders is
'Maintenance that is done goes into the history, and moves on a schedule that counts from the completion.';
