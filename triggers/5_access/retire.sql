-- Takes a row out of everybody's sight and keeps it: sets deleted_at. The soft delete.
--
-- Who gives the version that he read is told when somebody changed the row meanwhile, as with an UPDATE.
--
-- A function, because no UPDATE can do it: the row would have to be visible to its writer afterwards. The rule for `delete` on
-- the table says who may; what the caller may not see does not exist for him.
drop function if exists floorcast.retire(regclass, uuid);

create or replace function floorcast.retire(relation regclass, id uuid, version bigint default null)
returns void
volatile
-- definer: deleted_at is in nobody's grant, and the row that is written may not be read any more by who wrote it.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    perform floorcast.set_retired(retire.relation, retire.id, retire.version, true);
end;
$$;

comment on function floorcast.retire(regclass, uuid, bigint) is 'Soft-deletes a row: retire(''public.work_orders'', <id>).';

revoke all on function floorcast.retire(regclass, uuid, bigint) from public;
grant execute on function floorcast.retire(regclass, uuid, bigint) to authenticated, service_role;
