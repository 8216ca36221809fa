-- TRUNCATE gives triggers no rows: screens would keep what is gone, and people the access that was withdrawn.
create or replace function floorcast.refuse_truncate()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    raise exception 'TRUNCATE of % is refused: its rows are followed and nobody would be told that they are gone',
        tg_relid::regclass
    using errcode = 'object_not_in_prerequisite_state',
        hint = 'Use DELETE; a tracked table can be let go with floorcast.untrack() first.';
end;
$$;

comment on function floorcast.refuse_truncate() is 'Refuses TRUNCATE of a tracked table with a sentence.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.refuse_truncate() from public;
