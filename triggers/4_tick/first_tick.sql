-- The first tick whose snapshot can be compared with those of later ones: the first that is kept, or the newest cut.
-- Such a cut was made by hand after a restore into another cluster, whose transactions are other ones under the same numbers.
create or replace function floorcast.first_tick()
returns bigint
stable
security invoker
set search_path = pg_catalog, pg_temp
language sql
as $$
    select coalesce(
        (select t.tick from floorcast.tick as t where t.count = 0 order by t.tick desc limit 1),
        (select t.tick from floorcast.tick as t order by t.tick limit 1)
    )
$$;

comment on function floorcast.first_tick() is 'The first tick that later ones can be compared with: the first kept, or the newest cut.';

revoke execute on function floorcast.first_tick() from public;
