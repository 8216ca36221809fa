-- What a table is called in the trail and in the rules: without its schema for public.
-- A dot inside a name is told from the one between schema and table by quotes.
create or replace function floorcast.table_name(relation regclass)
returns text
stable
security invoker
set search_path = pg_catalog, pg_temp
language sql
as $$
    select
        case
            when s.nspname = 'public' then ''
            when s.nspname like '%.%' then quote_ident(s.nspname) || '.'
            else s.nspname || '.'
        end
        || case when c.relname like '%.%' then quote_ident(c.relname) else c.relname end
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as s on s.oid = c.relnamespace
    where c.oid = table_name.relation
$$;

comment on function floorcast.table_name(regclass) is 'A table''s name in floorcast.tracked, floorcast.change and the rules.';

revoke execute on function floorcast.table_name(regclass) from public;
