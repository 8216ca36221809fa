-- The newest messages of a private room since some time, the oldest first: what is told again to who joins late.
-- A gateway asks, and only for somebody who may read the room.
-- Definer: the gateway's role has no right on messages, which are for those whom policies let read them.
-- What a Supabase project does not have (binary_payload in earlier times, sequence) is named by the empty columns beside it.
create or replace function floorcast.messages_since(topic text, since timestamptz, most integer)
returns table (id text, event text, payload text, binary_payload bytea)
stable
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
#variable_conflict use_column
begin
    return query
    select
        r.id,
        r.event,
        r.payload,
        r.bytes
    from (
        select
            m.id::text as id,
            m.event,
            m.payload::text as payload,
            x.bytes,
            m.inserted_at,
            x.place
        from realtime.messages as m
        cross join (values (null::bytea, null::bigint)) as absent (binary_payload, sequence)
        cross join lateral (
            select
                (select binary_payload from (select m.*) as present) as bytes, -- noqa: RF02, RF03
                (select sequence from (select m.*) as present) as place -- noqa: RF02, RF03
        ) as x
        where
            m.topic = messages_since.topic
            and m.private
            and m.extension = 'broadcast'
            and m.event is not null
            and m.inserted_at >= messages_since.since at time zone 'utc'
        order by m.inserted_at desc, x.place desc
        limit messages_since.most
    ) as r
    order by r.inserted_at, r.place;
end;
$$;

comment on function floorcast.messages_since(text, timestamptz, integer) is
'The newest messages of a private room since some time, the oldest first; for gateways.';

revoke execute on function floorcast.messages_since(text, timestamptz, integer) from public;
grant execute on function floorcast.messages_since(text, timestamptz, integer) to floorcast_gateway;
