-- Says in a private room what happened to a row; for a row trigger, which passes what it has: tg_op, tg_table_name, new, old.
-- Invoker, and loud, as send(). In a Supabase project it is Supabase's, and left alone.
-- Times are written in UTC, as capture writes them: a message must not read differently from session to session.
do $guard$
begin
    if coalesce(obj_description(to_regnamespace('realtime'), 'pg_namespace') not like 'Floorcast:%', true) then
        return;
    end if;

    create or replace function realtime.broadcast_changes(
        topic_name text,
        event_name text,
        operation text,
        table_name text,
        table_schema text,
        new record,
        old record,
        level text default 'ROW'
    )
    returns void
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
    set timezone = 'UTC'
    set intervalstyle = 'iso_8601'
    set datestyle = 'ISO, MDY'
    set bytea_output = 'hex'
    set extra_float_digits = 1
    language plpgsql
    as $$
    begin
        if upper(broadcast_changes.level) = 'STATEMENT' then
            raise exception 'realtime.broadcast_changes() was called for a statement, which has no row to tell of'
            using errcode = 'invalid_parameter_value', hint = 'Call it from a trigger for each row.';
        end if;
        perform realtime.send(
            jsonb_build_object(
                'operation', broadcast_changes.operation,
                'table', broadcast_changes.table_name,
                'schema', broadcast_changes.table_schema,
                'record', to_jsonb(broadcast_changes.new),
                'old_record', to_jsonb(broadcast_changes.old)
            ),
            broadcast_changes.event_name,
            broadcast_changes.topic_name
        );
    end;
    $$;

    comment on function realtime.broadcast_changes(text, text, text, text, text, record, record, text) is
    'Says in a private room what happened to a row; call it from a trigger for each row, with tg_op, tg_table_name, tg_table_schema, new and old.';
    revoke execute on function realtime.broadcast_changes(text, text, text, text, text, record, record, text) from public;
    grant execute on function realtime.broadcast_changes(text, text, text, text, text, record, record, text) to anon, authenticated, service_role;
end
$guard$;
