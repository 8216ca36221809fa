-- What a location holds follows the items that lie there: new ones, moved ones, taken ones, and every change of their quantity.
--
-- Retired items do not count, as deleted ones do not: the sum is that of what people see there. Restoring one needs the room
-- again.
--
-- Items come first, locations after them, each in the order of their keys: of two statements over the same shelves one waits
-- for the other, and none holds what the other needs. What is added is the difference that this statement made, to the row as
-- it is when the lock is there, so that no writer's difference is lost. A transaction that moves several parts does so in one
-- statement, else it may meet another half-way (and one of them is told to try again).
create or replace function floorcast.keep_location_usage()
returns trigger
volatile
-- definer: current_usage is not anybody's to set; this is the one way to change it.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _locations uuid[];
    _changes numeric[];
    -- Whether something came to lie there, be it nothing: also an empty box is not put on a shelf that is gone.
    _placed boolean[];
    _refused record;
begin
    if tg_op = 'INSERT' then
        select array_agg(c.location_id), array_agg(c.change), array_agg(true)
        into _locations, _changes, _placed
        from (
            select n.location_id, sum(n.quantity) as change
            from new_rows as n
            where n.location_id is not null and n.deleted_at is null
            group by n.location_id
        ) as c;
    elsif tg_op = 'DELETE' then
        select array_agg(c.location_id), array_agg(c.change), array_agg(false)
        into _locations, _changes, _placed
        from (
            select o.location_id, -sum(o.quantity) as change
            from old_rows as o
            where o.location_id is not null and o.deleted_at is null
            group by o.location_id
        ) as c;
    else
        select array_agg(c.location_id), array_agg(c.change), array_agg(c.is_placed)
        into _locations, _changes, _placed
        from (
            select part.location_id, sum(part.quantity) as change, bool_or(part.is_placed) as is_placed
            from (
                select n.location_id, n.quantity, false as is_placed
                from new_rows as n
                where n.location_id is not null and n.deleted_at is null
                union all
                select o.location_id, -o.quantity, false
                from old_rows as o
                where o.location_id is not null and o.deleted_at is null
                union all
                select come.location_id, 0, true
                from (
                    select n.id, n.location_id from new_rows as n where n.location_id is not null and n.deleted_at is null
                    except
                    select o.id, o.location_id from old_rows as o where o.location_id is not null and o.deleted_at is null
                ) as come
            ) as part
            group by part.location_id
        ) as c
        where c.change <> 0 or c.is_placed;
    end if;
    if _locations is null then
        return null;
    end if;

    with location as (
        select l.id, l.name, l.capacity, l.current_usage, l.deleted_at, c.change, c.is_placed
        from unnest(_locations, _changes, _placed) as c (id, change, is_placed)
        inner join public.inventory_locations as l on l.id = c.id
        order by l.id
        for no key update of l
    ),
    outcome as (
        select
            l.*,
            case
                when l.deleted_at is not null and (l.is_placed or l.change > 0) then 'retired'
                when l.change > 0 and l.current_usage + l.change > l.capacity then 'full'
            end as fault
        from location as l
    )
    select o.*
    into _refused
    from outcome as o
    -- Sorted, so that every location is looked at, and thereby locked, also when the first is fine.
    order by o.fault is null, o.id
    limit 1;

    if _refused.fault = 'retired' then
        raise check_violation using
            message = format('location "%s" is retired: nothing is put there any more', _refused.name),
            detail = format('Location %s. Nothing of this statement was done.', _refused.id),
            hint = 'Use another location, or restore this one first.',
            table = 'inventory_locations', schema = 'public', constraint = 'nothing_is_put_in_a_retired_location';
    elsif _refused.fault = 'full' then
        raise check_violation using
            message = format(
                'location "%s" has no room: %s of %s free, %s wanted',
                _refused.name, trim_scale(_refused.capacity - _refused.current_usage), trim_scale(_refused.capacity),
                trim_scale(_refused.change)
            ),
            detail = format(
                'Location %s holds %s. Nothing of this statement was done.', _refused.id, trim_scale(_refused.current_usage)
            ),
            hint = 'Put less there, put it elsewhere, or correct the capacity.',
            table = 'inventory_locations', schema = 'public', constraint = 'what_lies_in_a_location_fits';
    end if;

    update public.inventory_locations as l
    set current_usage = l.current_usage + c.change
    from unnest(_locations, _changes) as c (id, change)
    where l.id = c.id and c.change <> 0;
    return null;
end
$$;

comment on function floorcast.keep_location_usage() is
'AFTER statement trigger of inventory_items: current_usage of inventory_locations follows, and never exceeds the capacity.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.keep_location_usage() from public;

create or replace trigger _600_keep_usage_of_new after insert on public.inventory_items
referencing new table as new_rows
for each statement execute function floorcast.keep_location_usage();
comment on trigger _600_keep_usage_of_new on public.inventory_items is 'A new item takes room where it lies.';
create or replace trigger _600_keep_usage_of_changed after update on public.inventory_items
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.keep_location_usage();
comment on trigger _600_keep_usage_of_changed on public.inventory_items is
'An item that is moved, or of which there is more or less, or that is retired or restored, changes what its locations hold.';
create or replace trigger _600_keep_usage_of_deleted after delete on public.inventory_items
referencing old table as old_rows
for each statement execute function floorcast.keep_location_usage();
comment on trigger _600_keep_usage_of_deleted on public.inventory_items is 'A deleted item leaves its room to others.';
