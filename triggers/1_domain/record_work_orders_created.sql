-- The first line of a work order's timeline.
create or replace function floorcast.record_work_orders_created()
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
    insert into public.work_order_timeline (warehouse_id, work_order_id, event_type, details, actor)
    select
        n.warehouse_id,
        n.id,
        'created',
        jsonb_build_object('number', n.number, 'title', n.title, 'status', n.status, 'priority', n.priority),
        _actor
    from new_rows as n;
    return null;
end
$$;

comment on function floorcast.record_work_orders_created() is
'AFTER INSERT statement trigger of work_orders: writes "created" into work_order_timeline.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.record_work_orders_created() from public;

create or replace trigger _600_record_created after insert on public.work_orders
referencing new table as new_rows
for each statement execute function floorcast.record_work_orders_created();
comment on trigger _600_record_created on public.work_orders is 'The timeline of an order begins with its creation.';
