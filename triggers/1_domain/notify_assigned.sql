-- Tells somebody that a work order is his now, unless he took it himself.
--
-- An assignment that only follows its order to another warehouse is none: people are compared, not rows.
create or replace function floorcast.notify_assigned()
returns trigger
volatile
-- definer: it reads the order, and writes what is nobody's to write.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _events public.notifications[];
begin
    if tg_op = 'INSERT' then
        select array_agg(floorcast.assigned_event(w, n.user_id))
        into _events
        from new_rows as n
        inner join public.work_orders as w on w.id = n.work_order_id;
    else
        select array_agg(floorcast.assigned_event(w, come.user_id))
        into _events
        from (
            -- A difference of sets and not an anti-join: that would be a nested loop if the session's first statement was small.
            select n.work_order_id, n.user_id from new_rows as n
            except
            select o.work_order_id, o.user_id from old_rows as o
        ) as come
        inner join public.work_orders as w on w.id = come.work_order_id;
    end if;
    if _events is not null then
        perform floorcast.write_notifications(_events);
    end if;
    return null;
end
$$;

comment on function floorcast.notify_assigned() is
'AFTER statement trigger of work_order_assignments: tells the person, unless he did it himself.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.notify_assigned() from public;

create or replace trigger _600_notify_assigned after insert on public.work_order_assignments
referencing new table as new_rows
for each statement execute function floorcast.notify_assigned();
comment on trigger _600_notify_assigned on public.work_order_assignments is 'Tells the person, unless he did it himself.';
create or replace trigger _600_notify_reassigned after update on public.work_order_assignments
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.notify_assigned();
comment on trigger _600_notify_reassigned on public.work_order_assignments is
'Tells the person to whom an assignment was handed on.';
