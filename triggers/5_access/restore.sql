-- Brings a retired row back. Who may retire one may restore it.
drop function if exists floorcast.restore(regclass, uuid);

create or replace function floorcast.restore(relation regclass, id uuid, version bigint default null)
returns void
volatile
-- definer: for the reason that retire gives.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    perform floorcast.set_retired(restore.relation, restore.id, restore.version, false);
end;
$$;

comment on function floorcast.restore(regclass, uuid, bigint) is 'Brings a soft-deleted row back: restore(''public.work_orders'', <id>).';

revoke all on function floorcast.restore(regclass, uuid, bigint) from public;
grant execute on function floorcast.restore(regclass, uuid, bigint) to authenticated, service_role;
