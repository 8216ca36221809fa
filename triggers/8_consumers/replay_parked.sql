-- Has what is parked told again at once, dead or not: one change by its id, or all of a consumer's. Returns how many.
-- Their attempts are counted anew. A change behind another one of the same row waits for that one all the same.
create or replace function floorcast.replay_parked(consumer text, id bigint default null)
returns bigint
volatile
-- definer: nobody may write what is parked; it touches that of the caller's consumers.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
#variable_conflict use_column
declare
    _consumer constant floorcast.consumer := floorcast.my_consumer(replay_parked.consumer);
    _count bigint;
begin
    update floorcast.parked as p
    set state = 'waiting', attempts = 0, due_at = clock_timestamp()
    where p.consumer = _consumer.name and p.state <> 'settled' and (replay_parked.id is null or p.id = replay_parked.id);
    get diagnostics _count = row_count;
    return _count;
end;
$$;

comment on function floorcast.replay_parked(text, bigint) is 'Has a parked change told again at once, or all of a consumer''s.';

revoke execute on function floorcast.replay_parked(text, bigint) from public;
grant execute on function floorcast.replay_parked(text, bigint) to authenticated, service_role;
