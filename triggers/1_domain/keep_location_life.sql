-- What a location holds is nobody's to write, a server's neither: it is the sum of what lies there, and would be wrong for good.
-- Whatever a statement says of it is put back, unless it comes from the trigger that keeps the sum. A new location is empty.
--
-- A location is retired when nothing lies there: else items would lie in a place that nobody sees. The row is locked when this
-- runs, and whoever puts something there locks it too, so that at READ COMMITTED the two cannot miss each other.
create or replace function floorcast.keep_location_life()
returns trigger
volatile
-- definer: an item that row level security hides from the writer lies there all the same.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _item record;
begin
    if tg_op = 'INSERT' then
        new.current_usage := 0;
        return new;
    end if;
    -- At depth 1 a statement of somebody fired this; deeper, a trigger's.
    if pg_trigger_depth() = 1 then
        new.current_usage := old.current_usage;
    end if;
    if new.deleted_at is not null and old.deleted_at is null then
        if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
            raise feature_not_supported using
                message = 'a location is retired at READ COMMITTED only: a stricter transaction does not see what others put there '
                'since it began; nothing was changed',
                hint = 'Retire it in a transaction of its own: begin isolation level read committed.';
        end if;
        select count(*) as items, min(i.name) as name
        into _item
        from public.inventory_items as i
        where i.location_id = old.id and i.deleted_at is null;
        if _item.items > 0 then
            raise restrict_violation using
                message = format(
                    'location "%s" is not empty: "%s" lies there%s',
                    old.name, _item.name, case when _item.items > 1 then format(', and %s more', _item.items - 1) else '' end
                ),
                hint = 'Put what lies there elsewhere first, then retire the location.',
                table = 'inventory_locations', schema = 'public', column = 'deleted_at',
                constraint = 'a_location_is_empty_when_it_is_retired';
        end if;
    end if;
    return new;
end
$$;

comment on function floorcast.keep_location_life() is
'BEFORE INSERT OR UPDATE row trigger of inventory_locations: current_usage is not written by statements, and only an empty location is retired.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.keep_location_life() from public;

create or replace trigger _100_keep_life before insert or update on public.inventory_locations
for each row execute function floorcast.keep_location_life();
comment on trigger _100_keep_life on public.inventory_locations is
'current_usage is not written by statements, and only an empty location is retired.';
