-- depends: 0010_change_trail
-- Durable consumers: programs that must not miss a change. How far each has come is kept here, so that it goes on after whatever
-- befell it, in the program, in Floorcast or between them.

create table floorcast.consumer (
    name text primary key,
    owner text not null,
    owner_role text not null,
    warehouses text[] not null,
    tables text[],
    "where" jsonb,
    columns jsonb,
    envelope text not null default 'native',
    shares integer not null default 1,
    keep interval not null default '7 days',
    attempts integer not null default 12,
    url text,
    secret text,
    failures integer not null default 0,
    disabled_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    altered_at timestamptz not null default clock_timestamp(),
    constraint a_consumer_has_a_name_for_an_address check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    constraint a_consumer_belongs_to_a_person_or_to_servers check (owner_role in ('authenticated', 'service_role')),
    constraint a_consumer_has_some_warehouses check (cardinality(warehouses) between 1 and 1000),
    constraint a_consumer_has_at_most_a_thousand_tables check (cardinality(tables) between 1 and 1000),
    constraint a_consumer_is_shared_by_at_most_64 check (shares between 1 and 64),
    constraint a_consumer_is_waited_for_a_year_at_most check (keep between '1 minute' and '366 days'),
    constraint a_change_is_tried_at_most_a_hundred_times check (attempts between 1 and 100),
    constraint an_envelope_has_a_short_name check (octet_length(envelope) <= 64),
    constraint a_url_fits_a_line check (octet_length(url) <= 2000),
    constraint failures_are_counted_from_zero check (failures >= 0),
    constraint a_consumer_has_its_times check (isfinite(created_at) and isfinite(altered_at) and isfinite(disabled_at))
);

alter table floorcast.consumer enable row level security, force row level security;
comment on table floorcast.consumer is 'Named subscriptions of programs, whose position is kept for them.';
comment on column floorcast.consumer.name is 'Its name, in addresses and calls.';
comment on column floorcast.consumer.owner is 'sub of whose it is; service_role for one of trusted servers.';
comment on column floorcast.consumer.owner_role is 'authenticated or service_role.';
comment on column floorcast.consumer.warehouses is 'What it follows, ids as in floorcast.change.';
comment on column floorcast.consumer.tables is 'Which tables; null for all that its owner may read.';
comment on column floorcast.consumer."where" is 'Table → filter, for readers that evaluate filters; SQL does not.';
comment on column floorcast.consumer.columns is 'Table → which columns; null for all that its owner may see.';
comment on column floorcast.consumer.envelope is 'The form in which HTTP tells its changes.';
comment on column floorcast.consumer.shares is 'Into how many shares its rows are divided, for so many workers at once.';
comment on column floorcast.consumer.keep is 'How far behind it may be with the trail still kept for it; its owner was told.';
comment on column floorcast.consumer.attempts is 'How often a change is tried before it is given up as dead.';
comment on column floorcast.consumer.url is 'Where its batches are posted; null for one that pulls.';
comment on column floorcast.consumer.secret is 'What posts to the URL are signed with.';
comment on column floorcast.consumer.failures is 'Posts that failed one after the other.';
comment on column floorcast.consumer.disabled_at is 'Since when nothing is posted to it any more.';
comment on column floorcast.consumer.created_at is 'The server''s clock.';
comment on column floorcast.consumer.altered_at is 'When its owner last said what it is.';

create index consumers_by_owner on floorcast.consumer (owner);
comment on index floorcast.consumers_by_owner is 'How many somebody has.';

create table floorcast.consumer_share (
    consumer text not null references floorcast.consumer (name) on delete cascade,
    share integer not null,
    tick bigint not null,
    seal bytea not null,
    acked_at timestamptz not null default clock_timestamp(),
    lease uuid,
    leased_until timestamptz,
    worker text,
    upto bigint,
    constraint a_share_has_one_position primary key (consumer, share),
    constraint shares_are_counted_from_zero check (share >= 0),
    constraint a_share_stands_at_a_tick check (tick >= 0 and octet_length(seal) = 32),
    constraint a_lease_ends check ((lease is null) = (leased_until is null)),
    constraint a_batch_ends_behind_its_position check (upto > tick),
    constraint a_worker_has_a_short_name check (octet_length(worker) <= 255),
    constraint a_share_has_its_times check (isfinite(acked_at) and isfinite(leased_until))
);

alter table floorcast.consumer_share enable row level security, force row level security;
comment on table floorcast.consumer_share is
'How far each share of a consumer has come. A share is the rows whose key falls into it, floorcast.share_of().';
comment on column floorcast.consumer_share.consumer is 'Whose share.';
comment on column floorcast.consumer_share.share is 'Counted from 0.';
comment on column floorcast.consumer_share.tick is 'Everything up to this tick was acknowledged, parked, or is none of its business.';
comment on column floorcast.consumer_share.seal is 'Seal of that tick: another history has other ones under the same numbers.';
comment on column floorcast.consumer_share.acked_at is 'When a batch of it was last acknowledged; at first when it was made.';
comment on column floorcast.consumer_share.lease is
'Names the batch that is out and fences its worker: whoever has another one cannot acknowledge.';
comment on column floorcast.consumer_share.leased_until is 'From then on somebody else may take the share.';
comment on column floorcast.consumer_share.worker is 'Who has it, as he says himself.';
comment on column floorcast.consumer_share.upto is 'The last tick of the batch that is out; null for one of parked changes.';

create table floorcast.parked (
    id bigint primary key generated always as identity,
    consumer text not null references floorcast.consumer (name) on delete cascade,
    table_name text not null,
    key json not null,
    tick bigint not null,
    n bigint not null,
    change json not null,
    before_place text,
    after_place text,
    closed_at timestamptz not null,
    state text not null default 'waiting',
    attempts integer not null default 0,
    due_at timestamptz not null default clock_timestamp(),
    reason text,
    lease uuid,
    parked_at timestamptz not null default clock_timestamp(),
    constraint a_change_is_parked_once unique (consumer, tick, n),
    constraint parked_is_waiting_dead_or_settled check (state in ('waiting', 'dead', 'settled')),
    constraint a_reason_has_at_most_2000_characters check (length(reason) <= 2000),
    constraint what_is_parked_has_its_times check (isfinite(closed_at) and isfinite(due_at) and isfinite(parked_at))
);

alter table floorcast.parked enable row level security, force row level security;
comment on table floorcast.parked is
'Changes that a consumer rejected, and those of the same rows that follow them: so they stay in order while others go on.';
comment on column floorcast.parked.id is 'Names it, to replay and to drop it.';
comment on column floorcast.parked.consumer is 'Whose.';
comment on column floorcast.parked.table_name is 'As in floorcast.change.';
comment on column floorcast.parked.key is 'As in floorcast.change, to the letter.';
comment on column floorcast.parked.tick is 'Its position: the tick.';
comment on column floorcast.parked.n is 'Its position: the place in the tick.';
comment on column floorcast.parked.change is
'The row of floorcast.change, so that it need not be kept there; what of it is told is decided anew each time.';
comment on column floorcast.parked.before_place is 'The warehouse of the consumer in which the row was seen before.';
comment on column floorcast.parked.after_place is 'The same afterwards.';
comment on column floorcast.parked.closed_at is 'When its tick was closed.';
comment on column floorcast.parked.state is
'waiting to be tried again or for the one before it; dead after too many attempts; settled until its share is past it.';
comment on column floorcast.parked.attempts is 'How often it was rejected; 0 for one that only follows.';
comment on column floorcast.parked.due_at is 'Not tried again before.';
comment on column floorcast.parked.reason is 'What the consumer said last.';
comment on column floorcast.parked.lease is 'The batch in which it is out.';
comment on column floorcast.parked.parked_at is 'The server''s clock.';

create index parked_by_row on floorcast.parked (consumer, table_name, (key::text), tick, n) where state <> 'settled';
comment on index floorcast.parked_by_row is 'Whether a row of a consumer is parked: asked for each change that it is given.';
