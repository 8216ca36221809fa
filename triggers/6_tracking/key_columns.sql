-- The primary key of a table, in its order, and for each column a format that says that two values are the same.
-- The operator is named with its schema, since capture runs with a search_path of pg_catalog alone.
-- Where values can be equal and yet look different (1.0 and 1.00, names without regard to case), their text decides too:
-- whoever holds the row by its old key must hear that this key is gone. Equal values of a type that can be folded in an
-- index (its support function 4 says so) always look the same, unless their collation calls different strings equal.
create or replace function floorcast.key_columns(relation regclass)
returns table (name text, equals text)
stable
security invoker
set search_path = pg_catalog, pg_temp
language sql
as $$
    select
        a.attname::text,
        format('%%1$s operator(%I.%s) %%2$s', s.nspname, o.oprname)
        || case
            when e.amproc is not null and coalesce(n.collisdeterministic, true) then ''
            else ' and %1$s::text collate pg_catalog."C" = %2$s::text collate pg_catalog."C"'
        end
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
    left join pg_amproc as e
        on e.amprocfamily = c.opcfamily
        and e.amproclefttype = c.opcintype
        and e.amprocrighttype = c.opcintype
        and e.amprocnum = 4
    left join pg_collation as n on n.oid = a.attcollation
    where i.indrelid = key_columns.relation and i.indisprimary
    order by k.place
$$;

comment on function floorcast.key_columns(regclass) is 'Primary key columns, and how to tell that their values are the same.';

revoke execute on function floorcast.key_columns(regclass) from public;
