-- An item is retired when nothing of it is left: else parts would lie on a shelf that no list knows, and nobody could take them.
-- The row is locked when this runs, and whoever moves stock locks it too, so that the two cannot miss each other.
create or replace function floorcast.keep_item_life()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    if new.quantity <> 0 or new.reserved <> 0 then
        raise restrict_violation using
            message = format(
                'there is stock of "%s": %s %s on hand, %s reserved; it was not retired',
                old.name, trim_scale(new.quantity), new.unit, trim_scale(new.reserved)
            ),
            hint = 'Issue or transfer what is left, or book a stock take of nothing, then retire the item.',
            table = 'inventory_items', schema = 'public', column = 'deleted_at',
            constraint = 'an_item_is_used_up_when_it_is_retired';
    end if;
    return new;
end
$$;

comment on function floorcast.keep_item_life() is
'BEFORE UPDATE row trigger of inventory_items: only an item without stock is retired.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.keep_item_life() from public;

create or replace trigger _100_keep_life before update on public.inventory_items
for each row when (old.deleted_at is null and new.deleted_at is not null)
execute function floorcast.keep_item_life();
comment on trigger _100_keep_life on public.inventory_items is 'Only an item without stock is retired.';
