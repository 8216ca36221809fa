-- Fills in the warehouse of a child of a work order when the statement leaves it out, as clients that know only the mission's
-- columns do. What it does give is checked by the foreign key over both. A child of an order that is retired is retired as well;
-- only servers write one.
--
-- invoker: who may not see the order learns here that there is none, the same as for an order that does not exist.
create or replace function floorcast.inherit_warehouse_of_work_order()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _order record;
begin
    select w.warehouse_id, w.deleted_at into _order from public.work_orders as w where w.id = new.work_order_id;
    if not found and new.warehouse_id is null and new.work_order_id is not null then
        raise foreign_key_violation using
            message = format('there is no work order %s, or you may not see it', new.work_order_id),
            hint = 'Give the id of a work order in one of your warehouses.';
    end if;
    new.warehouse_id := coalesce(new.warehouse_id, _order.warehouse_id);
    new.deleted_at := coalesce(new.deleted_at, _order.deleted_at);
    return new;
end
$$;

comment on function floorcast.inherit_warehouse_of_work_order() is
'BEFORE INSERT row trigger of a work order''s children: warehouse_id is that of the order unless given, and it is retired if the order is.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.inherit_warehouse_of_work_order() from public;

create or replace trigger _100_inherit_warehouse before insert on public.work_order_assignments
for each row execute function floorcast.inherit_warehouse_of_work_order();
comment on trigger _100_inherit_warehouse on public.work_order_assignments is
'An assignment is where its work order is.';
create or replace trigger _100_inherit_warehouse before insert on public.work_order_timeline
for each row execute function floorcast.inherit_warehouse_of_work_order();
comment on trigger _100_inherit_warehouse on public.work_order_timeline is 'An entry is where its work order is.';
create or replace trigger _100_inherit_warehouse before insert on public.work_order_attachments
for each row execute function floorcast.inherit_warehouse_of_work_order();
comment on trigger _100_inherit_warehouse on public.work_order_attachments is
'The warehouse of the order, for clients that do not give it.';
