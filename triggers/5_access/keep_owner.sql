-- Whom a row is for never changes: he was shown it, and whoever follows would have to be told that it is gone from one person
-- and come to another.
create or replace function floorcast.keep_owner()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    raise restrict_violation using
        message = format('a row of %s is for the person it was made for; nothing was changed', tg_relid::regclass),
        hint = format('Make another row with the other %s, and delete this one.', tg_argv[0]);
end
$$;

comment on function floorcast.keep_owner() is 'BEFORE UPDATE row trigger of tables with an owner: refuses to change it.';

revoke execute on function floorcast.keep_owner() from public;
