-- What the catalogue says of tracked tables beyond their shapes.

-- name: columns
-- Every column of every tracked table whose rows belong to some place: whether it always has a value, the labels of its type where
-- that is enumerated, what checks on this column alone say, and its comment. A domain is the type that it is made of, and
-- its own "not null" counts.
with recursive made_of as (
    select
        r.table_name,
        r.relation,
        a.attnum,
        a.attname::text as name,
        a.atttypid as type,
        a.attnotnull as required
    from floorcast.tracked as r
    join pg_attribute as a on a.attrelid = r.relation
    where a.attnum > 0 and not a.attisdropped and r.warehouse_column is not null
    union all
    select
        m.table_name,
        m.relation,
        m.attnum,
        m.name,
        t.typbasetype,
        m.required or t.typnotnull
    from made_of as m
    join pg_type as t on t.oid = m.type
    where t.typtype = 'd'
)

select
    m.table_name,
    m.name,
    m.required,
    array(
        select e.enumlabel::text from pg_enum as e
        where e.enumtypid = m.type
        order by e.enumsortorder
    ) as labels,
    array(
        select pg_get_constraintdef(c.oid) from pg_constraint as c
        where c.conrelid = m.relation and c.contype = 'c' and c.convalidated and c.conkey = array[m.attnum]
        order by c.conname
    ) as checks,
    coalesce(col_description(m.relation, m.attnum), '') as comment,
    coalesce(obj_description(m.relation, 'pg_class'), '') as table_comment
from made_of as m
join pg_type as t on t.oid = m.type
where t.typtype <> 'd'
order by m.table_name, m.attnum;
