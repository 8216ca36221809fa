-- Fills in the warehouse of a stock movement when the statement leaves it out, as clients that know only the mission's columns
-- do. What it does give is checked by the foreign key over both.
--
-- invoker: who may not see the item learns here that there is none, the same as for an item that does not exist.
create or replace function floorcast.inherit_warehouse_of_item()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    if new.warehouse_id is null and new.item_id is not null then
        select i.warehouse_id into new.warehouse_id from public.inventory_items as i where i.id = new.item_id;
        if not found then
            raise foreign_key_violation using
                message = format('there is no inventory item %s, or you may not see it', new.item_id),
                hint = 'Give the id of an item in one of your warehouses.';
        end if;
    end if;
    return new;
end
$$;

comment on function floorcast.inherit_warehouse_of_item() is
'BEFORE INSERT row trigger of inventory_transactions: warehouse_id is that of the item unless given.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.inherit_warehouse_of_item() from public;

create or replace trigger _100_inherit_warehouse before insert on public.inventory_transactions
for each row execute function floorcast.inherit_warehouse_of_item();
comment on trigger _100_inherit_warehouse on public.inventory_transactions is
'A transaction is booked where its item lies.';
