-- Stock movements are append-only: whoever followed them (an ERP that booked each one) has no way to hear that one of them
-- was never so, and the item's quantity is their sum.
create or replace function floorcast.refuse_transaction_changes()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    raise restrict_violation using
        message = format(
            'an inventory transaction is never %s: %s %s of item %s stays in the books',
            case tg_op when 'DELETE' then 'deleted' else 'changed' end, old.transaction_type, trim_scale(old.quantity), old.item_id
        ),
        hint = 'Book a further transaction that corrects it: a return for an issue, or an adjustment with its reason.';
end
$$;

comment on function floorcast.refuse_transaction_changes() is
'BEFORE UPDATE OR DELETE row trigger of inventory_transactions: refuses.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.refuse_transaction_changes() from public;

create or replace trigger _100_refuse_changes before update or delete on public.inventory_transactions
for each row execute function floorcast.refuse_transaction_changes();
comment on trigger _100_refuse_changes on public.inventory_transactions is
'A mistake is corrected by a further transaction; what is booked stays.';
