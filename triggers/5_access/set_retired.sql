-- What retire() and restore() have in common. To be called by them alone: it asks for whom they were called.
--
-- The row is locked before anything is asked of it, so that two callers do not both find it in use. Calling it twice is no
-- change: the second finds the row as it should be. The lock waits for foreign keys as well: whoever attaches something to the
-- row just now either comes first or finds it retired (1_domain/check_parents.sql).
drop function if exists floorcast.set_retired(regclass, uuid, boolean);

create or replace function floorcast.set_retired(relation regclass, id uuid, version bigint, retired boolean)
returns void
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _table floorcast.protected;
    _place uuid;
    _retired boolean;
    _version bigint;
    _places uuid[];
begin
    select p.* into _table from floorcast.protected as p where p.relation = set_retired.relation;
    if not found or 2 > (
        select count(*)
        from pg_catalog.pg_attribute as a
        where a.attrelid = set_retired.relation and a.attname in ('version', 'deleted_at') and not a.attisdropped
    ) then
        raise object_not_in_prerequisite_state using
            message = format('rows of %s are not retired', set_retired.relation),
            hint = 'Only entities are: tables with version and deleted_at that floorcast.protect() knows.';
    end if;

    execute format(
        'select t.%I, t.deleted_at is not null, t.version from %s as t where t.id = $1 for update',
        _table.place_column, set_retired.relation
    )
    into _place, _retired, _version
    using set_retired.id;

    _places := case _table.scope
        when 'warehouse' then array(select floorcast.my_warehouses_for(_table.table_name, 'delete'))
        when 'organization' then array(select floorcast.my_organizations_for(_table.table_name, 'delete'))
        else array(select floorcast.my_people_for(_table.table_name, 'delete'))
    end;
    -- A server is not held against places: it may bring back a warehouse, which is then nobody's place.
    if _place is null or not (floorcast.is_server() or _place = any (_places)) then
        raise insufficient_privilege using
            message = format('there is no row %s in %s that you may retire or restore', set_retired.id, set_retired.relation),
            hint = case
                when exists (
                    select from floorcast.table_rule as r where r.table_name = _table.table_name and r.action = 'delete'
                )
                then 'Ask somebody whose role may delete in that warehouse.'
                else 'Only trusted servers do that.'
            end;
    end if;

    if set_retired.version <> _version then
        raise exception using
            errcode = 'PT409',
            message = format(
                'the row of %s was changed meanwhile: it is at version %s, you held version %s; nothing was changed',
                set_retired.relation, _version, set_retired.version
            ),
            hint = 'Read the row again, look at what changed, and decide again. Leave version out to do it all the same.';
    end if;

    if _retired <> set_retired.retired then
        execute format(
            'update %s as t set deleted_at = case when $2 then clock_timestamp() end where t.id = $1', set_retired.relation
        )
        using set_retired.id, set_retired.retired;
    end if;
end;
$$;

comment on function floorcast.set_retired(regclass, uuid, bigint, boolean) is
'Sets or clears deleted_at of a row, if the caller may; called by retire() and restore().';

revoke all on function floorcast.set_retired(regclass, uuid, bigint, boolean) from public;
