-- depends: 0001_namespaces_and_roles
-- Messages that the database sends into rooms, in the place and the form in which Supabase Realtime keeps them: what writes them
-- there and the policies that guard them need not know whose they are.
--
-- Only where there is none: a Supabase project brings the schema and the table, and owns them. What we create carries a comment
-- that begins with "Floorcast:"; the rollback removes only what carries it.

do $$
begin
    if to_regnamespace('realtime') is null then
        create schema realtime;
        comment on schema realtime is
        'Floorcast: messages into rooms, in the form that Supabase Realtime gives them; who may use it, policies say.';
        grant usage on schema realtime to anon, authenticated, service_role;
    end if;

    if to_regclass('realtime.messages') is null and has_schema_privilege('realtime', 'create') then
        -- Times are UTC, whatever the session's zone: the day of a message is that of its partition.
        create table realtime.messages (
            topic text not null,
            extension text not null,
            payload jsonb,
            event text,
            private boolean default false,
            updated_at timestamp not null default (now() at time zone 'utc'),
            inserted_at timestamp not null default (now() at time zone 'utc'),
            id uuid not null default gen_random_uuid(),
            binary_payload bytea,
            sequence bigint not null generated always as identity,
            constraint a_message_has_one_id primary key (id, inserted_at),
            constraint a_topic_has_a_name_that_fits_a_frame check (octet_length(topic) between 1 and 255),
            constraint an_event_has_a_name_that_fits_a_frame check (octet_length(event) between 1 and 255),
            constraint an_extension_has_a_short_name check (octet_length(extension) <= 64),
            constraint a_payload_has_at_most_256_kilobytes check (
                octet_length(payload::text) <= 262144 and octet_length(binary_payload) <= 262144
            ),
            constraint a_message_has_its_time check (isfinite(inserted_at) and isfinite(updated_at))
        ) partition by range (inserted_at);

        comment on table realtime.messages is
        'Floorcast: messages that the database sent into rooms, for three days. A row is told to who is in the room, on commit.';
        comment on column realtime.messages.topic is 'Name of the room: the topic without realtime:.';
        comment on column realtime.messages.extension is 'broadcast is told; presence is what policies are asked about.';
        comment on column realtime.messages.payload is 'What is said, as JSON.';
        comment on column realtime.messages.event is 'What listeners wait for by name; a message without one is told to nobody.';
        comment on column realtime.messages.private is 'For the private room of that name; else for the public one, which is another.';
        comment on column realtime.messages.updated_at is 'When it was written, UTC.';
        comment on column realtime.messages.inserted_at is 'When the transaction that sent it began, UTC; says which partition holds it.';
        comment on column realtime.messages.id is 'Its name: who hears it twice knows by this.';
        comment on column realtime.messages.binary_payload is 'What is said, as bytes, in place of payload.';
        comment on column realtime.messages.sequence is 'The order in which messages were sent; those of one transaction have the same time.';

        -- What a room said since then, the newest first.
        create index messages_by_topic on realtime.messages (topic, inserted_at);

        -- Catches what there is no day for, so that no message is ever refused for a partition that is missing.
        create table realtime.messages_default partition of realtime.messages default;

        -- A policy says who reads and who writes; without one nobody does. The owner is left out: definers run as him.
        alter table realtime.messages enable row level security;
        alter table realtime.messages_default enable row level security;
        grant select, insert, update on realtime.messages to anon, authenticated, service_role;
    end if;
end
$$;
