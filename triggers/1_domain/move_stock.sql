-- Stock follows the transactions: all movements of a statement in one UPDATE, or none of them and a clear error.
--
-- The items are locked first, in the order of their keys: two statements over the same parts then wait for each other
-- instead of deadlocking, and what is compared is what will be changed. Under READ COMMITTED a locking read returns the
-- newest committed row, so that of many writers who take the last piece exactly one gets it. The lock does not exclude the
-- foreign key's own (FOR KEY SHARE), which every inserted transaction already holds on its item: no upgrade, no deadlock.
--
-- A statement counts as a whole: what it brings may be taken by the same statement. Available = quantity - reserved must not
-- fall below zero by taking or promising; an adjustment may bring it there, because shelves do not obey the books.
create or replace function floorcast.move_stock()
returns trigger
volatile
-- definer: quantity and reserved are not anybody's to set; this is the one way to change them.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _short record;
begin
    with movement as (
        select
            n.item_id,
            sum(n.stock_change) as on_hand,
            sum(n.reserved_change) as promised,
            bool_or(n.transaction_type in ('issue', 'transfer_out', 'reserve')) as takes
        from new_rows as n
        group by n.item_id
    ),
    item as (
        select i.id, i.name, i.unit, i.quantity, i.reserved, m.on_hand, m.promised, m.takes
        from movement as m
        inner join public.inventory_items as i on i.id = m.item_id
        order by i.id
        for no key update of i
    ),
    outcome as (
        select
            i.*,
            case
                when i.takes and i.quantity + i.on_hand < i.reserved + i.promised then 'available'
                when i.quantity + i.on_hand < 0 then 'on hand'
                when i.reserved + i.promised < 0 then 'reserved'
            end as lacking
        from item as i
    )
    select
        o.*,
        case o.lacking when 'reserved' then o.reserved when 'on hand' then o.quantity else o.quantity - o.reserved end as have,
        case o.lacking when 'reserved' then -o.promised when 'on hand' then -o.on_hand else o.promised - o.on_hand end as wanted
    into _short
    from outcome as o
    -- Sorted, so that every item is looked at, and thereby locked, also when the first is fine.
    order by o.lacking is null, o.id
    limit 1;

    if _short.lacking is not null then
        raise check_violation using
            message = format(
                'not enough of "%s": %s %s %s, %s wanted',
                _short.name, trim_scale(_short.have), _short.unit, _short.lacking, trim_scale(_short.wanted)
            ),
            detail = format(
                'Item %s has %s on hand, of which %s reserved. Nothing of this statement was booked.',
                _short.id, trim_scale(_short.quantity), trim_scale(_short.reserved)
            ),
            hint = case _short.lacking
                when 'available' then 'Take less, release a reservation, or book the receipt first.'
                when 'reserved' then 'Release at most what is reserved.'
                else 'Stock cannot fall below zero: check the count.'
            end,
            table = 'inventory_items', schema = 'public', constraint = 'stock_is_never_below_zero';
    end if;

    update public.inventory_items as i
    set quantity = i.quantity + m.on_hand, reserved = i.reserved + m.promised
    from (
        select n.item_id, sum(n.stock_change) as on_hand, sum(n.reserved_change) as promised
        from new_rows as n
        group by n.item_id
    ) as m
    where i.id = m.item_id;
    return null;
end
$$;

comment on function floorcast.move_stock() is
'AFTER INSERT statement trigger of inventory_transactions: changes quantity and reserved of inventory_items, never below zero.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.move_stock() from public;

create or replace trigger _600_move_stock after insert on public.inventory_transactions
referencing new table as new_rows
for each statement execute function floorcast.move_stock();
comment on trigger _600_move_stock on public.inventory_transactions is
'The only way in which stock changes: what was booked is added to the item.';
