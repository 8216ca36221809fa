-- A machine or an order that moves to another warehouse is forgotten by the notifications of the old one: those stay there,
-- with the people that they are for, and a row never points into another warehouse.
--
-- Before the row and yet an effect on another table: behind it, the foreign key would have refused the move.
create or replace function floorcast.forget_moved()
returns trigger
volatile
-- definer: notifications are nobody's to write.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    if tg_table_name = 'equipment' then
        update public.notifications as n set equipment_id = null
        where n.equipment_id = old.id and n.warehouse_id = old.warehouse_id;
    else
        update public.notifications as n set work_order_id = null
        where n.work_order_id = old.id and n.warehouse_id = old.warehouse_id;
    end if;
    return new;
end
$$;

comment on function floorcast.forget_moved() is
'BEFORE UPDATE row trigger of equipment and work_orders: notifications forget what moves to another warehouse.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.forget_moved() from public;

create or replace trigger _100_forget_moved before update on public.equipment
for each row when (old.warehouse_id <> new.warehouse_id) execute function floorcast.forget_moved();
comment on trigger _100_forget_moved on public.equipment is 'Notifications forget a machine that moves away.';
create or replace trigger _100_forget_moved before update on public.work_orders
for each row when (old.warehouse_id <> new.warehouse_id) execute function floorcast.forget_moved();
comment on trigger _100_forget_moved on public.work_orders is 'Notifications forget an order that moves away.';
