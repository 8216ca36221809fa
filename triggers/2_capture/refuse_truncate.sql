-- TRUNCATE gives triggers no rows, so it would empty screens without anybody being told.
create or replace function floorcast.refuse_truncate()
returns trigger
volatile
security invoker
set search_path = ''
language plpgsql
as $$
begin
    raise exception 'TRUNCATE of % is refused: its rows are tracked and nobody would be told that they are gone',
        tg_relid::regclass
    using errcode = 'object_not_in_prerequisite_state',
        hint = 'Use DELETE, or floorcast.untrack() first.';
end;
$$;

comment on function floorcast.refuse_truncate() is 'Refuses TRUNCATE of a tracked table with a sentence.';
