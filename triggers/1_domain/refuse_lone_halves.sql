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

    -- That there are no more than two, one of each kind, is for the index a_transfer_is_one_way_out_and_one_in to say.
    select t.transfer_id, t.reason
    into _transfer, _reason
    from (
        select
            h.transfer_id,
            case
                when count(*) = 1 then 'it has only one of the two halves'
                when count(distinct h.quantity) > 1 then 'what arrives is not as much as what leaves'
                when count(distinct h.warehouse_id) = 1 then 'it begins and ends in the same warehouse'
                when count(distinct w.organization_id) > 1 then 'it leads into another organization'
                when count(distinct i.unit) > 1 then 'its items are counted in different units'
            end as reason
        from (select distinct n.transfer_id from new_rows as n where n.transfer_id is not null) as booked
        inner join public.inventory_transactions as h on h.transfer_id = booked.transfer_id
        inner join public.inventory_items as i on i.id = h.item_id
        inner join public.warehouses as w on w.id = h.warehouse_id
        group by h.transfer_id
    ) as t
    where t.reason is not null
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
