-- The primary key of a table, in its order, with the operator that tells its values equal.
-- The operator is named with its schema, since capture runs with an empty search_path.
create or replace function floorcast.key_columns(relation regclass)
returns table (name text, equals text)
stable
security invoker
set search_path = ''
language sql
as $$
    select
        a.attname::text,
        format('operator(%I.%s)', s.nspname, o.oprname)
    from pg_index as i
    cross join lateral unnest(i.indkey::smallint[], i.indclass::oid[]) with ordinality as k (attnum, opclass, place)
    join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
    join pg_opclass as c on c.oid = k.opclass
    join pg_amop as m
        on m.amopfamily = c.opcfamily
        and m.amoplefttype = c.opcintype
        and m.amoprighttype = c.opcintype
        and m.amopstrategy = 3
    join pg_operator as o on o.oid = m.amopopr
    join pg_namespace as s on s.oid = o.oprnamespace
    where i.indrelid = key_columns.relation and i.indisprimary
    order by k.place
$$;

comment on function floorcast.key_columns(regclass) is 'Primary key columns and their equality operators.';
