-- Says something in a room: a row of realtime.messages, told on commit to who is there, and kept for who joins late.
-- Invoker: policies on realtime.messages decide whether the caller may; triggers that send for people are definers.
-- A message that cannot be stored fails the statement that sent it, so that nobody believes that something was said.
-- In a Supabase project it is Supabase's, and left alone.
do $guard$
begin
    if coalesce(obj_description(to_regnamespace('realtime'), 'pg_namespace') not like 'Floorcast:%', true) then
        return;
    end if;

    create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
    returns void
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
    language plpgsql
    as $$
    declare
        _id constant uuid := gen_random_uuid();
        _payload jsonb := coalesce(send.payload, '{}');
        _topic constant text := coalesce(current_setting('realtime.topic', true), '');
    begin
        if coalesce(send.event, '') = '' then
            raise exception 'a message to % has no event, so nobody could listen for it', send.topic
            using errcode = 'null_value_not_allowed', hint = 'realtime.send(payload, event, topic): give the event a name.';
        end if;
        if jsonb_typeof(_payload) = 'object' and not _payload ? 'id' then
            _payload := _payload || jsonb_build_object('id', _id);
        end if;
        -- What policies ask for by realtime.topic(); afterwards it is what it was.
        perform set_config('realtime.topic', coalesce(send.topic, ''), true);
        insert into realtime.messages (id, payload, event, topic, private, extension)
        values (_id, _payload, send.event, send.topic, coalesce(send.private, true), 'broadcast');
        perform set_config('realtime.topic', _topic, true);
    end;
    $$;

    comment on function realtime.send(jsonb, text, text, boolean) is
    'Says something in a room, on commit: realtime.send(payload, event, topic); fails when it cannot be stored.';
    revoke execute on function realtime.send(jsonb, text, text, boolean) from public;
    grant execute on function realtime.send(jsonb, text, text, boolean) to anon, authenticated, service_role;
end
$guard$;
