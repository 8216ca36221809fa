-- Puts a table under the rules of access: row level security, forced; rights; policies; the view through which people read it.
-- Idempotent; call it again after a change of the table's columns. Needs to own the table.
create or replace function floorcast.protect(
    relation regclass,
    -- The column that says where a row is seen.
    place_column text default 'warehouse_id',
    -- What it names: a warehouse, an organization (seen in all its warehouses), or a person (seen wherever he works).
    scope text default 'warehouse',
    -- Columns that people never write, besides those that nobody does (version, times, generated ones).
    server_columns text[] default '{}',
    -- Columns that people give once, besides the primary key.
    fixed_columns text[] default '{}'
)
returns void
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _name text := floorcast.table_name(protect.relation);
    _unknown text;
begin
    select string_agg(named.name, ', ')
    into _unknown
    from unnest(array[protect.place_column] || protect.server_columns || protect.fixed_columns) as named (name)
    where not exists (
        select from pg_catalog.pg_attribute as a
        where a.attrelid = protect.relation and a.attname = named.name and a.attnum > 0 and not a.attisdropped
    );
    if _unknown is not null then
        raise exception 'table % cannot be protected: it has no column %', _name, _unknown
        using errcode = 'undefined_column', hint = 'Name columns that the table has.';
    end if;

    -- It may have been protected under another name.
    delete from floorcast.protected as p where p.relation = protect.relation and p.table_name <> _name;
    insert into floorcast.protected (table_name, relation, place_column, scope, server_columns, fixed_columns)
    values (
        _name, protect.relation, protect.place_column, protect.scope, protect.server_columns, protect.fixed_columns
    )
    on conflict (table_name) do update
        set relation = excluded.relation,
            place_column = excluded.place_column,
            scope = excluded.scope,
            server_columns = excluded.server_columns,
            fixed_columns = excluded.fixed_columns;
    perform floorcast.apply_rules(_name);
end;
$$;

comment on function floorcast.protect(regclass, text, text, text[], text[]) is
'Puts a table under the rules of access: protect(''public.work_orders''), protect(''public.users'', ''id'', ''person'').';

revoke execute on function floorcast.protect(regclass, text, text, text[], text[]) from public;
