-- As my_warehouses_reading, for tables whose rows are seen in all warehouses of an organization.
create or replace function floorcast.my_organizations_reading(table_name text, column_name text)
returns setof uuid
stable
-- definer: it reads the rules. It answers for the caller only.
security definer
rows 1
set search_path = pg_catalog, pg_temp
language sql
as $$
    select distinct m.organization_id
    from floorcast.my_access() as m
    where
        m.role = 'service_role'
        or exists (
            select from floorcast.column_rule as r
            where r.table_name = my_organizations_reading.table_name and r.column_name = my_organizations_reading.column_name and m.role = any(r.roles)
        )
$$;

comment on function floorcast.my_organizations_reading(text, text) is 'The organizations in a warehouse of which the caller sees that column of the table.';

revoke all on function floorcast.my_organizations_reading(text, text) from public;
grant execute on function floorcast.my_organizations_reading(text, text) to authenticated, service_role;
