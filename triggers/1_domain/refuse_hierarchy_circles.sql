-- Machines never hang on each other in a circle: whoever walks down from a machine comes to an end.
--
-- Two transactions that each add half a circle see nothing of each other. So writers of a warehouse take turns, by a lock
-- that lasts until they end, and the one that waited looks again. Only a new look helps: under REPEATABLE READ and
-- SERIALIZABLE it would see what was there when its transaction began, and so those are refused.
-- A circle cannot span warehouses, since both ends of a link are in one; a move of linked machines makes no new way.
--
-- A statement is looked at as a whole, so that a link may be turned round in one. Ways are not followed one by one, for there
-- can be more of them than machines by any power: each machine is visited once for each new link. The way round, for the error,
-- is the shortest.
create or replace function floorcast.refuse_hierarchy_circles()
returns trigger
volatile
-- definer: a link that row level security hides from the writer closes a circle all the same.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _parents uuid[];
    _children uuid[];
    _warehouse uuid;
    _machine uuid;
    _ring uuid[];
    _found jsonb;
    _steps jsonb := '{}';
    _machines uuid[];
    _way text;
begin
    if tg_op = 'INSERT' then
        select array_agg(n.parent_id), array_agg(n.child_id) into _parents, _children from new_rows as n;
    else
        select array_agg(link.parent_id), array_agg(link.child_id)
        into _parents, _children
        from (
            select n.parent_id, n.child_id from new_rows as n
            except
            select o.parent_id, o.child_id from old_rows as o
        ) as link;
    end if;
    if _parents is null then
        return null;
    end if;

    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise feature_not_supported using
            message = 'machines are linked at READ COMMITTED only: a stricter transaction does not see links that others added '
            'since it began, so nobody would notice a circle',
            hint = 'Link them in a transaction of its own: begin isolation level read committed.';
    end if;
    for _warehouse in
        select distinct e.warehouse_id from public.equipment as e where e.id = any(_children) order by e.warehouse_id
    loop
        perform pg_advisory_xact_lock(hashtextextended('equipment_hierarchy of ' || _warehouse, 0));
    end loop;

    with recursive below as (
        select link.top, link.machine from unnest(_parents, _children) as link (top, machine)
        union
        select b.top, h.child_id
        from below as b
        inner join public.equipment_hierarchy as h on h.parent_id = b.machine
        where b.machine <> b.top
    )
    select b.top into _machine from below as b where b.machine = b.top limit 1;

    if _machine is not null then
        _ring := array[_machine];
        -- Backwards from it, a step at a time, until it comes up again: each machine remembers its first step forwards.
        loop
            select jsonb_object_agg(h.parent_id, h.child_id)
            into _found
            from public.equipment_hierarchy as h
            where h.child_id = any(_ring) and not _steps ? h.parent_id::text;
            if _found is null then
                -- Taking links away needs no turn. Nobody waits for anything here, so trying again is all there is to do.
                raise serialization_failure using
                    message = 'links were taken away while the way round a circle was looked for; nothing was linked',
                    hint = 'Try again.';
            end if;
            _steps := _steps || _found;
            exit when _found ? _machine::text;
            _ring := array(select k.key::uuid from jsonb_object_keys(_found) as k (key));
        end loop;
        _machines := array[_machine];
        loop
            _machines := _machines || (_steps ->> _machines[cardinality(_machines)]::text)::uuid;
            exit when _machines[cardinality(_machines)] = _machine;
        end loop;
        select string_agg(e.name, ' > ' order by step.place)
        into _way
        from unnest(_machines) with ordinality as step (machine, place)
        inner join public.equipment as e on e.id = step.machine;

        raise check_violation using
            message = format('machines would hang on each other in a circle: %s', _way),
            detail = 'Nothing of this statement was linked.',
            hint = 'Take one of these links away first, or turn the new one round.',
            table = 'equipment_hierarchy', schema = 'public', constraint = 'a_hierarchy_has_no_circle';
    end if;
    return null;
end
$$;

comment on function floorcast.refuse_hierarchy_circles() is
'AFTER INSERT OR UPDATE statement trigger of equipment_hierarchy: refuses a circle and names the way round it.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.refuse_hierarchy_circles() from public;

create or replace trigger _600_refuse_new_circles after insert on public.equipment_hierarchy
referencing new table as new_rows
for each statement execute function floorcast.refuse_hierarchy_circles();
comment on trigger _600_refuse_new_circles on public.equipment_hierarchy is 'A new link closes no circle.';
create or replace trigger _600_refuse_changed_circles after update on public.equipment_hierarchy
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.refuse_hierarchy_circles();
comment on trigger _600_refuse_changed_circles on public.equipment_hierarchy is 'A link that changes its ends closes no circle.';
