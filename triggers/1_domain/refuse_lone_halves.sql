-- A transfer between warehouses is a pair: what leaves one arrives in the other, in one statement, or nothing moves.
--
-- A movement with a transfer_id is half of such a pair, and the statement that books it must book the other half too: by its
-- end there are both, of the same quantity and unit, in two warehouses of one organization. (By its end and not by the
-- transaction's: a deferred trigger would be an AFTER ROW trigger, and what those write is captured before its cause.)
-- A transfer_in or transfer_out without a transfer_id has no other half here: it comes from, or goes to, somebody whose books
-- these are not.
create or replace function floorcast.refuse_lone_halves()
returns trigger
volatile
-- definer: it looks at both halves, of which the writer may see one.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _transfer uuid;
    _reason text;
begin
    if not exists (select from new_rows as n where n.transfer_id is not null) then
        return null;
    end if;

    select t.transfer_id, case
        when t.halves <> 2 or t.types <> 2
            then format('it has %s of the two halves', case when t.types = 2 then 'more than one each' else 'only one' end)
        when t.quantities <> 1 then 'what arrives is not as much as what leaves'
        when t.warehouses <> 2 then 'it begins and ends in the same warehouse'
        when t.organizations <> 1 then 'it leads into another organization'
        when t.units <> 1 then 'its items are counted in different units'
    end
    into _transfer, _reason
    from (
        select
            h.transfer_id,
            count(*) as halves,
            count(distinct h.transaction_type) as types,
            count(distinct h.quantity) as quantities,
            count(distinct h.warehouse_id) as warehouses,
            count(distinct w.organization_id) as organizations,
            count(distinct i.unit) as units
        from (select distinct n.transfer_id from new_rows as n where n.transfer_id is not null) as booked
        inner join public.inventory_transactions as h on h.transfer_id = booked.transfer_id
        inner join public.inventory_items as i on i.id = h.item_id
        inner join public.warehouses as w on w.id = h.warehouse_id
        group by h.transfer_id
    ) as t
    where t.halves <> 2 or t.types <> 2 or t.quantities <> 1 or t.warehouses <> 2 or t.organizations <> 1 or t.units <> 1
    limit 1;

    if _transfer is not null then
        raise check_violation using
            message = format('transfer %s is not a pair: %s', _transfer, _reason),
            detail = 'Nothing of this statement was booked.',
            hint = 'Book both halves in one statement: select floorcast.transfer_stock(from_item, to_item, quantity). '
            'Leave transfer_id empty when the other side keeps its own books.',
            table = 'inventory_transactions', schema = 'public', constraint = 'a_transfer_is_a_pair';
    end if;
    return null;
end
$$;

comment on function floorcast.refuse_lone_halves() is
'AFTER INSERT statement trigger of inventory_transactions: refuses a transfer that is not two halves that fit.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.refuse_lone_halves() from public;

create or replace trigger _600_refuse_lone_halves after insert on public.inventory_transactions
referencing new table as new_rows
for each statement execute function floorcast.refuse_lone_halves();
comment on trigger _600_refuse_lone_halves on public.inventory_transactions is
'What leaves one warehouse by a transfer arrives in the other, in the same statement.';
