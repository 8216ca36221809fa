-- A part is taken for a work order that is in its warehouse when it is taken. A foreign key cannot say so, since the order may
-- move away later; and without it somebody could write into the timeline of a warehouse that is not his.
--
-- invoker: who may not see the order learns here that there is none, the same as for an order that does not exist. The foreign
-- key and a definer would tell the two apart.
create or replace function floorcast.refuse_distant_orders()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _warehouse uuid;
begin
    select w.warehouse_id into _warehouse from public.work_orders as w where w.id = new.work_order_id;
    if not found then
        raise foreign_key_violation using
            message = format('there is no work order %s, or you may not see it', new.work_order_id),
            hint = 'Give the id of a work order in the warehouse of the part.',
            table = 'inventory_transactions', schema = 'public', constraint = 'parts_are_taken_for_a_work_order';
    end if;
    if _warehouse <> new.warehouse_id then
        raise check_violation using
            message = format('work order %s is not in the warehouse of the part', new.work_order_id),
            hint = 'Transfer the part to the warehouse of the order first, and take it from there.',
            table = 'inventory_transactions', schema = 'public', constraint = 'parts_are_taken_for_a_work_order';
    end if;
    return new;
end
$$;

comment on function floorcast.refuse_distant_orders() is
'BEFORE INSERT row trigger of inventory_transactions: the work order is in the warehouse of the part.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.refuse_distant_orders() from public;

-- Its name comes behind _100_inherit_warehouse, which says where the part is.
create or replace trigger _100_refuse_distant_orders before insert on public.inventory_transactions
for each row when (new.work_order_id is not null) execute function floorcast.refuse_distant_orders();
comment on trigger _100_refuse_distant_orders on public.inventory_transactions is
'A part is taken for a work order of its own warehouse.';
