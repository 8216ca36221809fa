-- Puts messages of realtime.messages into the trail, in the transaction that sends them: so they travel as changes do, on commit, in
-- order and once, and what was rolled back was never said.
--
-- The place of one is no warehouse, so no warehouse is told: `channel:private:<topic>` or `channel:public:<topic>`. The payload is
-- kept as a text, digit for digit as it is stored.
-- Told is what has the extension `broadcast` and an event. What has none is how rights are probed (floorcast.probe_channel()).
--
-- Definer: whoever sends needs no right on the trail and so cannot write history himself. The settings are those of every capture.
-- A Supabase project of an earlier time has no column binary_payload: the name then means the empty column beside it.
create or replace function floorcast.capture_messages()
returns trigger
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set intervalstyle = 'iso_8601'
set datestyle = 'ISO, MDY'
set bytea_output = 'hex'
set extra_float_digits = 1
language plpgsql
as $$
declare
    _captured bigint;
begin
    insert into floorcast.change (op, table_name, key, warehouse, actor, request_id, new)
    select
        'insert',
        'realtime.messages',
        json_build_object('id', n.id),
        case when n.private then 'channel:private:' else 'channel:public:' end || n.topic,
        floorcast.actor(),
        floorcast.request_id(),
        json_build_object(
            'id', n.id,
            'event', n.event,
            'payload', n.payload::text,
            'binary', replace(encode(b.bytes, 'base64'), E'\n', ''),
            'extension', n.extension
        )
    from new_rows as n
    cross join (values (null::bytea)) as absent (binary_payload)
    cross join lateral (
        select (select binary_payload from (select n.*) as present) as bytes -- noqa: RF02, RF03
    ) as b
    where n.extension = 'broadcast' and n.event is not null;

    get diagnostics _captured = row_count;
    if _captured > 0 then
        perform floorcast.ring('messages');
    end if;
    return null;
end;
$$;

comment on function floorcast.capture_messages() is
'AFTER INSERT statement trigger of realtime.messages: broadcasts go into the trail, from where rooms are told.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.capture_messages() from public;

-- In a Supabase project the table is not ours: the trigger is there if its owner lets us (`floorcast doctor` says when it is not).
do $$
begin
    if to_regclass('realtime.messages') is null or not has_table_privilege('realtime.messages', 'trigger') then
        return;
    end if;
    create or replace trigger _500_capture_insert after insert on realtime.messages
    referencing new table as new_rows
    for each statement execute function floorcast.capture_messages();
    if pg_has_role((select c.relowner from pg_catalog.pg_class as c where c.oid = 'realtime.messages'::regclass), 'usage') then
        comment on trigger _500_capture_insert on realtime.messages is 'Puts broadcasts into the trail.';
        alter table realtime.messages enable always trigger _500_capture_insert;
    end if;
end
$$;
