-- Writes the text of a table's capture function: static SQL, so that it is planned once and can be read with \sf.
--
-- Statement-level with transition tables: one insert into the trail per statement, however many rows.
-- Old and new rows are paired by the key with a full join, so a changed key falls apart into a delete and an insert,
-- and an upsert or a swap of keys needs no case of its own. A full join is never a nested loop: a plan made for one
-- row does not explode on a million.
-- `*<>` compares the stored images of two rows: it works for every type and calls 1.0 and 1.00 different, as they are.
-- A row whose column for it (retired_column) is set counts as retired: it is hidden from people, so they are told that it left.
-- The table's columns may have any name: whole rows are written `n.*`, since `n` alone could be one of its columns, and
-- our variables are qualified by the label of the block. A name that meant two things would fail the business write.
drop function if exists floorcast.capture_body(regclass, text, text, text);

create or replace function floorcast.capture_body(
    relation regclass, table_name text, warehouse_column text, family text, scope text, retired_column text
)
returns text
stable
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _same_key text;
    _old_key text;
    _new_key text;
    _first text;
    _old_warehouse text := 'null::text';
    _new_warehouse text := 'null::text';
    _old_retired text := 'false';
    _new_retired text := 'false';
    -- How the trail writes a place that is no warehouse.
    _place constant text := case capture_body.scope
        when 'organization' then '''organization:'' || ' when 'person' then '''user:'' || ' else ''
    end;
begin
    select
        string_agg(format(k.equals, 'o.' || quote_ident(k.name), 'n.' || quote_ident(k.name)), ' and '),
        format('json_build_object(%s)', string_agg(format('%1$L, o.%1$I', k.name), ', ')),
        format('json_build_object(%s)', string_agg(format('%1$L, n.%1$I', k.name), ', ')),
        min(quote_ident(k.name))
    into _same_key, _old_key, _new_key, _first
    from floorcast.key_columns(capture_body.relation) as k;

    if capture_body.warehouse_column is not null then
        _old_warehouse := _place || format('o.%I::text', capture_body.warehouse_column);
        _new_warehouse := _place || format('n.%I::text', capture_body.warehouse_column);
    end if;
    if capture_body.retired_column is not null then
        _old_retired := format('o.%I is not null', capture_body.retired_column);
        _new_retired := format('n.%I is not null', capture_body.retired_column);
    end if;

    return format(
        $body$
<<capture>>
declare
    _actor constant text := floorcast.actor();
    _request_id constant text := floorcast.request_id();
    _captured bigint;
begin
    if tg_op = 'INSERT' then
        insert into floorcast.change (op, table_name, key, warehouse, actor, request_id, retired, new)
        select 'insert', %1$L, %2$s, %3$s, capture._actor, capture._request_id, %10$s, row_to_json(n.*)
        from new_rows as n;
    elsif tg_op = 'DELETE' then
        insert into floorcast.change (op, table_name, key, warehouse, actor, request_id, old_retired, old)
        select 'delete', %1$L, %4$s, %5$s, capture._actor, capture._request_id, %9$s, row_to_json(o.*)
        from old_rows as o;
    else
        insert into floorcast.change (
            op, table_name, key, warehouse, old_warehouse, actor, request_id, retired, old_retired, old, new
        )
        select
            case when o.%6$s is null then 'insert' when n.%6$s is null then 'delete' else 'update' end,
            %1$L,
            case when n.%6$s is null then %4$s else %2$s end,
            case when n.%6$s is null then %5$s else %3$s end,
            case when n.%6$s is not null and %5$s is distinct from %3$s then %5$s end,
            capture._actor,
            capture._request_id,
            %10$s,
            %9$s,
            case when o.%6$s is not null then row_to_json(o.*) end,
            case when n.%6$s is not null then row_to_json(n.*) end
        from old_rows as o
        full join new_rows as n on %7$s
        where o.%6$s is null or n.%6$s is null or o.* *<> n.*;
    end if;

    -- A statement that changed no row fires too; it has nothing to announce.
    get diagnostics capture._captured = row_count;
    if capture._captured > 0 then
        perform floorcast.ring(%8$L);
    end if;
    return null;
end;
$body$,
        capture_body.table_name, _new_key, _new_warehouse, _old_key, _old_warehouse, _first, _same_key,
        capture_body.family, _old_retired, _new_retired
    );
end;
$$;

comment on function floorcast.capture_body(regclass, text, text, text, text, text) is
'Text of the capture function of one table; called by floorcast.track().';

revoke execute on function floorcast.capture_body(regclass, text, text, text, text, text) from public;
