-- Says bytes in a room, as realtime.send() does JSON. Clients of protocol 1.0.0 do not hear it: its frames are text.
-- Invoker, and loud, as send(). In a Supabase project it is Supabase's, and left alone.
do $guard$
begin
    if coalesce(obj_description(to_regnamespace('realtime'), 'pg_namespace') not like 'Floorcast:%', true) then
        return;
    end if;

    create or replace function realtime.send_binary(payload bytea, event text, topic text, private boolean default true)
    returns void
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
    language plpgsql
    as $$
    declare
        _topic constant text := coalesce(current_setting('realtime.topic', true), '');
    begin
        if coalesce(send_binary.event, '') = '' then
            raise exception 'a message to % has no event, so nobody could listen for it', send_binary.topic
            using errcode = 'null_value_not_allowed', hint = 'realtime.send_binary(payload, event, topic): give the event a name.';
        end if;
        perform set_config('realtime.topic', coalesce(send_binary.topic, ''), true);
        insert into realtime.messages (binary_payload, event, topic, private, extension)
        values (
            coalesce(send_binary.payload, ''),
            send_binary.event,
            send_binary.topic,
            coalesce(send_binary.private, true),
            'broadcast'
        );
        perform set_config('realtime.topic', _topic, true);
    end;
    $$;

    comment on function realtime.send_binary(bytea, text, text, boolean) is
    'Says bytes in a room, on commit: realtime.send_binary(payload, event, topic); fails when they cannot be stored.';
    revoke execute on function realtime.send_binary(bytea, text, text, boolean) from public;
    grant execute on function realtime.send_binary(bytea, text, text, boolean) to anon, authenticated, service_role;
end
$guard$;
