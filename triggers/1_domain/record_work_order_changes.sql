-- What changed in work orders goes into their timelines: status, priority, schedule; one line each, with {from, to}.
--
-- A step that people have a word for is written under that word (completed, verified, reopened), not as status_changed.
-- After the statement and after capture (_600_ comes behind _500_): the change of the order precedes what follows from it.
-- Rows are paired by key; an UPDATE of the key itself pairs with nothing and is recorded as nothing.
--
-- A session plans this once, with the number of rows that its first statement happened to touch. After a single row that
-- would be a nested loop, and 20,000 rows in a later statement took 50 s with it; without nested loops both are fast.
create or replace function floorcast.record_work_order_changes()
returns trigger
volatile
-- definer: people may write comments into a timeline, not history; this writes history.
security definer
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
language plpgsql
as $$
declare
    _actor constant text := floorcast.actor();
    _done constant text[] := array['completed', 'verified', 'closed', 'cancelled'];
begin
    insert into public.work_order_timeline (warehouse_id, work_order_id, event_type, details, actor)
    select n.warehouse_id, n.id, event.type, jsonb_build_object('from', event.old, 'to', event.new), _actor
    from old_rows as o
    inner join new_rows as n on n.id = o.id
    cross join lateral (
        select
            case
                when o.status = any (_done) and n.status <> all (_done) then 'reopened'
                when n.status in ('completed', 'verified') then n.status
                else 'status_changed'
            end,
            to_jsonb(o.status),
            to_jsonb(n.status)
        where n.status <> o.status
        union all
        select 'priority_changed', to_jsonb(o.priority), to_jsonb(n.priority)
        where n.priority <> o.priority
        union all
        select
            'scheduled',
            jsonb_build_object('start', o.scheduled_start, 'end', o.scheduled_end, 'due', o.due_at),
            jsonb_build_object('start', n.scheduled_start, 'end', n.scheduled_end, 'due', n.due_at)
        where (n.scheduled_start, n.scheduled_end, n.due_at) is distinct from (o.scheduled_start, o.scheduled_end, o.due_at)
    ) as event (type, old, new);
    return null;
end
$$;

comment on function floorcast.record_work_order_changes() is
'AFTER UPDATE statement trigger of work_orders: status, priority and schedule changes go into work_order_timeline.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.record_work_order_changes() from public;

create or replace trigger _600_record_changes after update on public.work_orders
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.record_work_order_changes();
comment on trigger _600_record_changes on public.work_orders is
'Status, priority and schedule stand in the timeline as they change.';
