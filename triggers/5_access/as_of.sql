-- A table's rows as they were: as_of('public.work_orders', '2026-03-01 06:00+00'). Each as JSON, as it was captured.
--
-- Exact, and one consistent cut: the newest tick closed at that time or before. A row that was changed since is what its first
-- change after that tick found (`old`, or nothing if that was an insert); every other row is as it is now. What only the caller's
-- own open transaction did is taken back in the same way. It costs what was changed since, and a look at every row of the table
-- that the caller may see.
-- Under the caller's access as it is now, as history(). Servers see all, retired rows too.
-- Dynamic, since it reads any table: its name and columns come from the catalogue.
create or replace function floorcast.as_of(relation regclass, at timestamptz)
returns setof json
stable
-- definer: the trail holds every warehouse, so people may not read it. It answers for the caller only, by floorcast.my_reading().
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set intervalstyle = 'iso_8601'
set datestyle = 'ISO, MDY'
set bytea_output = 'hex'
set extra_float_digits = 1
set jit = off
language plpgsql
as $$
declare
    _reading constant jsonb := floorcast.my_reading(as_of.relation);
    _tick constant bigint := floorcast.tick_at(as_of.at);
    _table floorcast.tracked;
    _snapshot pg_snapshot;
    _key text;
    _row_then text := 'f.old';
    _row_now text := 'row_to_json(t.*)';
    _filter text := '';
begin
    if not coalesce(isfinite(as_of.at), false) then
        raise exception 'what % was at % is not known: that is no time', as_of.relation, coalesce(as_of.at::text, 'null')
        using errcode = 'invalid_parameter_value', hint = 'Give a time with its zone; for the rows of now, read the view.';
    end if;
    if _tick is null then
        raise exception 'the trail begins later than %: what % was then is not known', as_of.at, as_of.relation
        using errcode = 'invalid_parameter_value',
            hint = format('It begins at %s.', (
                select floorcast.iso(t.closed_at) from floorcast.tick as t where t.tick = floorcast.first_tick()
            ));
    end if;
    select t.* into _table from floorcast.tracked as t where t.relation = as_of.relation;
    select t.snapshot into _snapshot from floorcast.tick as t where t.tick = _tick;
    -- That a table is tracked is a change, too, except of those that were from the beginning.
    if exists (
        select from floorcast.change as c
        where c.table_name = 'floorcast.tracked' and c.op = 'insert'
            and c.key::text = json_build_object('table_name', _table.table_name)::text
            and not pg_visible_in_snapshot(c.xid, _snapshot)
    ) then
        raise exception '% is tracked since later than %: what it was then is not known', as_of.relation, as_of.at
        using errcode = 'invalid_parameter_value', hint = 'Ask for a time after that.';
    end if;

    _key := (
        select format('json_build_object(%s)::text', string_agg(format('%1$L, t.%1$I', k.name), ', '))
        from floorcast.key_columns(as_of.relation) as k
    );
    if not (_reading ->> 'everything')::boolean then
        _row_then := 'floorcast.as_seen(f.old, f.place, f.old_retired, $3)';
        _row_now := format(
            -- A row of today has today's columns.
            'floorcast.as_seen(row_to_json(t.*), %L || t.%I::text, %s, $4)',
            case _table.scope when 'organization' then 'organization:' when 'person' then 'user:' else '' end,
            _table.warehouse_column,
            coalesce('t.' || quote_ident(_table.retired_column) || ' is not null', 'false')
        );
        _filter := format(
            ' and t.%I = any (array(select i from jsonb_array_elements_text($3 -> ''ids'') as i)::%s[])',
            _table.warehouse_column,
            (
                select format_type(a.atttypid, null)
                from pg_catalog.pg_attribute as a
                where a.attrelid = as_of.relation and a.attname = _table.warehouse_column
            )
        );
    end if;

    return query execute format(
        $query$
        with since as materialized (
            -- Compared as bytes: the order of keys is nobody's, and that of a language is slow.
            select c.*, c.key::text collate pg_catalog."C" as key_text from floorcast.change as c
            where c.xid >= pg_snapshot_xmax($1) and c.table_name = $2
                -- A row of a transaction that is yet to come was put there; one's own may be newer than the snapshot.
                and (c.xid < pg_snapshot_xmax(pg_current_snapshot()) or c.xid = pg_current_xact_id_if_assigned())
            union all
            select c.*, c.key::text collate pg_catalog."C" from floorcast.change as c
            where c.xid = any (array(select pg_snapshot_xip($1))) and c.table_name = $2
        ),
        -- What the first transaction did that changed a row.
        chain as materialized (
            select n.*, count(*) over (partition by n.key_text) as length
            from (
                select s.*, first_value(s.xid) over (partition by s.key_text order by s.seq) as first_xid
                from since as s
            ) as n
            where n.xid = n.first_xid
        ),
        -- Where it did so repeatedly, it began with the state that was left once more than it was reached. Mostly that is what
        -- its first change found; but a statement inside another one is captured before it.
        beginning as (
            select w.key_text, w.state
            from (
                select c.key_text, coalesce(c.old::text, '') collate pg_catalog."C" as state, 1 as weight from chain as c where c.length > 1
                union all
                select c.key_text, coalesce(c.new::text, '') collate pg_catalog."C", -1 from chain as c where c.length > 1
            ) as w
            group by w.key_text, w.state
            having sum(w.weight) > 0
        ),
        first as materialized (
            select distinct on (c.key_text)
                c.key_text as key,
                c.old,
                c.old_retired,
                coalesce(c.old_warehouse, case when (c.old -> %5$L)::text = 'null' then null else c.warehouse end) as place
            from chain as c
            left join beginning as b on b.key_text = c.key_text and b.state = coalesce(c.old::text, '')
            order by c.key_text, b.state is null, c.seq
        )
        select seen.row_then
        from (
            select %3$s as row_then
            from first as f
            union all
            select %4$s
            from %1$s as t
            where not exists (select from first as f where f.key = %2$s)%6$s
        ) as seen
        where seen.row_then is not null
        $query$,
        as_of.relation,
        _key,
        _row_then,
        _row_now,
        _table.warehouse_column,
        _filter
    )
    using _snapshot, _table.table_name, _reading, _reading - 'known';
end;
$$;

comment on function floorcast.as_of(regclass, timestamptz) is
'The rows of a table as they were, as far as the caller may see them: as_of(''public.work_orders'', ''2026-03-01 06:00+00'').';

revoke all on function floorcast.as_of(regclass, timestamptz) from public;
grant execute on function floorcast.as_of(regclass, timestamptz) to authenticated, service_role;
