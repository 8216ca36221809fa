-- Machines never hang on each other in a circle: whoever walks down from a machine comes to an end.
--
-- Two transactions that each add half a circle see nothing of each other. So writers of a warehouse take turns, by a lock
-- that lasts until they end, and the one that waited looks again. Only a new look helps: under REPEATABLE READ and
-- SERIALIZABLE it would see what was there when its transaction began, and so those are refused.
-- A circle cannot span warehouses, since both ends of a link are in one; a move of linked machines makes no new way.
--
-- A statement is looked at as a whole, so that a link may be turned round in one. Ways are followed as pairs, each machine once
-- for each beginning; the way itself is put together for the error only, and only through machines that lead to its end.
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
        with recursive above as (
            select _machine as machine
            union
            select h.parent_id from above as a inner join public.equipment_hierarchy as h on h.child_id = a.machine
        ),
        way as (
            select _machine as machine, array[_machine] as machines
            union all
            select h.child_id, w.machines || h.child_id
            from way as w
            inner join public.equipment_hierarchy as h on h.parent_id = w.machine
            inner join above as a on a.machine = h.child_id
            where cardinality(w.machines) = 1 or (w.machine <> _machine and h.child_id <> all(w.machines[2:]))
        ),
        circle as (
            select w.machines from way as w where w.machine = _machine and cardinality(w.machines) > 1 limit 1
        )
        select string_agg(e.name, ' > ' order by step.place)
        into _way
        from circle as c
        cross join lateral unnest(c.machines) with ordinality as step (machine, place)
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
