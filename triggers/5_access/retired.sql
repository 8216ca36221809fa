-- What is retired of a table, the last first, as JSON: retired('public.equipment'). Without it nobody could restore what he does
-- not remember the id of.
--
-- For whom may do that: the rule for `delete` on the table says where, as for retire() and restore(). Hidden columns are null, as
-- in the views. What was retired with something that it belongs to (its foreign key deletes it, too) is not listed: it comes back
-- with that, by whom may restore that. Servers see all.
-- Dynamic, since it reads any table: its name and columns come from the catalogue.
create or replace function floorcast.retired(relation regclass)
returns setof json
stable
-- definer: no policy shows people what is retired. It answers for the caller only, by floorcast.my_reading() and the rules.
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set intervalstyle = 'iso_8601'
set datestyle = 'ISO, MDY'
set bytea_output = 'hex'
set extra_float_digits = 1
language plpgsql
as $$
declare
    -- Refuses first.
    _reading constant jsonb := floorcast.my_reading(retired.relation) - 'known';
    _table floorcast.protected;
    _places uuid[];
    _parents text;
begin
    select p.* into _table from floorcast.protected as p where p.relation = retired.relation;
    if not found or 2 > (
        select count(*)
        from pg_catalog.pg_attribute as a
        where a.attrelid = retired.relation and a.attname in ('version', 'deleted_at') and not a.attisdropped
    ) then
        raise object_not_in_prerequisite_state using
            message = format('rows of %s are not retired', retired.relation),
            hint = 'Only entities are: tables with version and deleted_at that floorcast.protect() knows.';
    end if;

    _places := case _table.scope
        when 'warehouse' then array(select floorcast.my_warehouses_for(_table.table_name, 'delete'))
        when 'organization' then array(select floorcast.my_organizations_for(_table.table_name, 'delete'))
        else array(select floorcast.my_people_for(_table.table_name, 'delete'))
    end;

    select string_agg(
        format(
            ' and not exists (select from %s as p where p.deleted_at is not null and %s)',
            f.confrelid::regclass,
            (
                select string_agg(format('p.%I = t.%I', theirs.attname, ours.attname), ' and ')
                from unnest(f.conkey, f.confkey) as k (ours, theirs)
                join pg_catalog.pg_attribute as ours on ours.attrelid = f.conrelid and ours.attnum = k.ours
                join pg_catalog.pg_attribute as theirs on theirs.attrelid = f.confrelid and theirs.attnum = k.theirs
            )
        ),
        '' order by f.conname
    )
    into _parents
    from pg_catalog.pg_constraint as f
    where
        f.conrelid = retired.relation and f.contype = 'f' and f.confdeltype = 'c'
        and exists (
            select from pg_catalog.pg_attribute as a
            where a.attrelid = f.confrelid and a.attname = 'deleted_at' and not a.attisdropped
        );

    return query execute format(
        $query$
        select s.seen
        from (
            select t.deleted_at, t.id, floorcast.as_seen(row_to_json(t.*), %2$L || t.%3$I::text, false, $1) as seen
            from %1$s as t
            where t.deleted_at is not null%4$s
        ) as s
        where s.seen is not null
        order by s.deleted_at desc, s.id
        $query$,
        retired.relation,
        case _table.scope when 'organization' then 'organization:' when 'person' then 'user:' else '' end,
        _table.place_column,
        case
            when not (_reading ->> 'everything')::boolean
                then format(' and t.%I = any ($2)', _table.place_column) || coalesce(_parents, '')
        end
    )
    using _reading, _places;
end;
$$;

comment on function floorcast.retired(regclass) is
'Rows of a table that are retired, for whom may restore them: retired(''public.equipment'').';

revoke all on function floorcast.retired(regclass) from public;
grant execute on function floorcast.retired(regclass) to authenticated, service_role;
