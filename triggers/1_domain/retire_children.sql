-- What hangs on an order is retired with it and comes back with it: assignments, timeline, attachments. What was retired before,
-- by itself, stays retired: a child follows as long as it has the very time of its order.
--
-- After capture, so that whoever is told of it hears of the order first.
create or replace function floorcast.retire_children()
returns trigger
volatile
-- definer: what happened is nobody's to change; whether it is shown follows from the order.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _orders uuid[];
    _were timestamptz[];
    _become timestamptz[];
begin
    -- A full join, which is no nested loop, even if the session's first statement was small.
    select array_agg(n.id), array_agg(o.deleted_at), array_agg(n.deleted_at)
    into _orders, _were, _become
    from old_rows as o
    full join new_rows as n on n.id = o.id
    where n.deleted_at is distinct from o.deleted_at;
    if _orders is null then
        return null;
    end if;

    update public.work_order_assignments as c
    set deleted_at = changed.becomes
    from unnest(_orders, _were, _become) as changed (id, was, becomes)
    where c.work_order_id = changed.id and c.deleted_at is not distinct from changed.was;
    update public.work_order_timeline as c
    set deleted_at = changed.becomes
    from unnest(_orders, _were, _become) as changed (id, was, becomes)
    where c.work_order_id = changed.id and c.deleted_at is not distinct from changed.was;
    update public.work_order_attachments as c
    set deleted_at = changed.becomes
    from unnest(_orders, _were, _become) as changed (id, was, becomes)
    where c.work_order_id = changed.id and c.deleted_at is not distinct from changed.was;
    return null;
end
$$;

comment on function floorcast.retire_children() is
'AFTER UPDATE statement trigger of work_orders: assignments, timeline and attachments are retired and restored with their order.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.retire_children() from public;

create or replace trigger _600_retire_children after update on public.work_orders
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.retire_children();
comment on trigger _600_retire_children on public.work_orders is
'What hangs on an order is retired with it and comes back with it.';
