-- The ids of all warehouses, for gateways: they must tell a trusted server which warehouses do not exist.
-- Definer: the gateway's role may read ids, and nothing else of the table.
create or replace function floorcast.known_warehouses()
returns setof text
stable
security definer
set search_path = pg_catalog, pg_temp
language sql
as $$
    select w.id::text
    from public.warehouses as w
$$;

comment on function floorcast.known_warehouses() is 'Ids of all warehouses, as in floorcast.change.';

revoke execute on function floorcast.known_warehouses() from public;
grant execute on function floorcast.known_warehouses() to floorcast_gateway;
