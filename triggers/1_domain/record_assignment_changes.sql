-- Who was put on a work order and who was taken off goes into its timeline.
--
-- An UPDATE that hands an assignment to somebody else is both; one that only follows its order to another warehouse is
-- neither. Names are left out, ids say who: the trail of changes is sealed and a name could never be erased from it.
-- The joins with work_orders are for the order that is being deleted: its assignments go with it, and there is no timeline
-- left to write into.
create or replace function floorcast.record_assignment_changes()
returns trigger
volatile
-- definer: people may write comments into a timeline, not history; this writes history.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _actor constant text := floorcast.actor();
begin
    if tg_op = 'DELETE' then
        insert into public.work_order_timeline (warehouse_id, work_order_id, event_type, details, actor)
        select w.warehouse_id, w.id, 'unassigned', jsonb_build_object('user_id', o.user_id, 'role', o.role), _actor
        from old_rows as o
        inner join public.work_orders as w on w.id = o.work_order_id;
    elsif tg_op = 'INSERT' then
        insert into public.work_order_timeline (warehouse_id, work_order_id, event_type, details, actor)
        select n.warehouse_id, n.work_order_id, 'assigned', jsonb_build_object('user_id', n.user_id, 'role', n.role), _actor
        from new_rows as n;
    else
        insert into public.work_order_timeline (warehouse_id, work_order_id, event_type, details, actor)
        select w.warehouse_id, w.id, event.type, jsonb_build_object('user_id', event.user_id, 'role', event.role), _actor
        from (
            -- Differences of sets and not anti-joins: those would be nested loops if the session's first statement was small.
            select 'unassigned', gone.*
            from (
                select o.work_order_id, o.user_id, o.role from old_rows as o
                except
                select n.work_order_id, n.user_id, n.role from new_rows as n
            ) as gone
            union all
            select 'assigned', come.*
            from (
                select n.work_order_id, n.user_id, n.role from new_rows as n
                except
                select o.work_order_id, o.user_id, o.role from old_rows as o
            ) as come
        ) as event (type, work_order_id, user_id, role)
        inner join public.work_orders as w on w.id = event.work_order_id;
    end if;
    return null;
end
$$;

comment on function floorcast.record_assignment_changes() is
'AFTER statement trigger of work_order_assignments: writes "assigned" and "unassigned" into work_order_timeline.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.record_assignment_changes() from public;

create or replace trigger _600_record_assigned after insert on public.work_order_assignments
referencing new table as new_rows
for each statement execute function floorcast.record_assignment_changes();
comment on trigger _600_record_assigned on public.work_order_assignments is
'Who was put on an order stands in its timeline.';
create or replace trigger _600_record_reassigned after update on public.work_order_assignments
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.record_assignment_changes();
comment on trigger _600_record_reassigned on public.work_order_assignments is
'An assignment that becomes another person''s stands in the timeline as both.';
create or replace trigger _600_record_unassigned after delete on public.work_order_assignments
referencing old table as old_rows
for each statement execute function floorcast.record_assignment_changes();
comment on trigger _600_record_unassigned on public.work_order_assignments is
'Who was taken off an order stands in its timeline.';
