-- The warehouses that are in use, for gateways: a trusted server may join those and no others, and what belongs to an
-- organization goes to all of its warehouses.
-- Definer: the gateway's role may read these two columns, and nothing else of the table.
drop function if exists floorcast.known_warehouses();
create function floorcast.known_warehouses()
returns table (id text, organization_id text)
stable
security definer
set search_path = pg_catalog, pg_temp
language sql
as $$
    select w.id::text, w.organization_id::text
    from public.warehouses as w
    where w.deleted_at is null
$$;

comment on function floorcast.known_warehouses() is
'The warehouses that are in use and their organizations, ids as in floorcast.change.';

revoke execute on function floorcast.known_warehouses() from public;
grant execute on function floorcast.known_warehouses() to floorcast_gateway;
