-- Moves stock from an item in one warehouse to its counterpart in another: both halves in one statement, so that the parts are
-- in one place or in the other. Returns the key of the transfer.
--
-- Called by people and servers. Everything else is where each movement has it: _600_move_stock says whether there is enough,
-- _600_refuse_lone_halves whether the two fit.
create or replace function floorcast.transfer_stock(
    from_item uuid, to_item uuid, quantity numeric, reference text default null
)
returns uuid
volatile
-- invoker: booked in the caller's name and under his rights, which he must have in both warehouses.
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _transfer constant uuid := gen_random_uuid();
begin
    insert into public.inventory_transactions (item_id, transaction_type, quantity, reference, transfer_id)
    values
    (transfer_stock.from_item, 'transfer_out', transfer_stock.quantity, transfer_stock.reference, _transfer),
    (transfer_stock.to_item, 'transfer_in', transfer_stock.quantity, transfer_stock.reference, _transfer);
    return _transfer;
end
$$;

comment on function floorcast.transfer_stock(uuid, uuid, numeric, text) is
'Moves stock between warehouses as a pair of transactions, in the caller''s name and under his rights in both.';

revoke all on function floorcast.transfer_stock(uuid, uuid, numeric, text) from public;
grant execute on function floorcast.transfer_stock(uuid, uuid, numeric, text) to authenticated, service_role;
