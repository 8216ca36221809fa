-- The room that a policy on realtime.messages is asked about: the topic without `realtime:`.
-- In a Supabase project it is Supabase's, and left alone.
do $guard$
begin
    if coalesce(obj_description(to_regnamespace('realtime'), 'pg_namespace') not like 'Floorcast:%', true) then
        return;
    end if;

    create or replace function realtime.topic()
    returns text
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
    language sql
    as $$
        select nullif(current_setting('realtime.topic', true), '')
    $$;

    comment on function realtime.topic() is
    'The room that a policy is asked about; null where there is none.';
    revoke execute on function realtime.topic() from public;
    grant execute on function realtime.topic() to anon, authenticated, service_role;
end
$guard$;
