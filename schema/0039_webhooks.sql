-- depends: 0038_consumers
-- Consumers whose changes are posted to a URL: where to, the secret that messages are signed with, and why nothing is sent.

create table floorcast.webhook (
    consumer text primary key,
    url text not null,
    most_changes integer not null default 100,
    signing_key text not null,
    earlier_key text,
    earlier_until timestamptz,
    failures integer not null default 0,
    failure text,
    failed_at timestamptz,
    next_attempt_at timestamptz,
    disabled_at timestamptz,
    disabled_because text,
    altered_at timestamptz not null default clock_timestamp(),
    constraint a_webhook_is_a_consumers foreign key (consumer)
    references floorcast.consumer (name) on update cascade on delete cascade,
    constraint a_url_is_a_line check (octet_length(url) between 1 and 2000),
    constraint a_message_has_one_to_a_thousand_changes check (most_changes between 1 and 1000),
    constraint messages_are_signed check (signing_key ~ '^(whsec|whsk)_[A-Za-z0-9+/]{32,88}=*$'),
    constraint an_earlier_secret_ends check ((earlier_key is null) = (earlier_until is null)),
    constraint failures_have_a_reason check (
        failures >= 0 and (failures > 0) = (failure is not null) and (failures > 0) = (failed_at is not null)
    ),
    constraint a_reason_to_fail_has_at_most_2000_characters check (length(failure) <= 2000),
    constraint what_is_switched_off_has_a_reason check ((disabled_at is null) = (disabled_because is null)),
    constraint a_webhook_has_its_times check (
        isfinite(earlier_until) and isfinite(failed_at) and isfinite(next_attempt_at) and isfinite(disabled_at)
        and isfinite(altered_at)
    )
);

alter table floorcast.webhook enable row level security, force row level security;
comment on table floorcast.webhook is
'Where a consumer''s changes are posted, and how that goes. Holds secrets: only the gateway reads it.';
comment on column floorcast.webhook.consumer is 'Whose.';
comment on column floorcast.webhook.url is 'Where to.';
comment on column floorcast.webhook.most_changes is 'Of one message.';
comment on column floorcast.webhook.signing_key is
'What messages are signed with: whsec_ for HMAC-SHA256, whsk_ for Ed25519, and base64.';
comment on column floorcast.webhook.earlier_key is
'The one before, which signs as well until its receiver has the new one; null when there is none.';
comment on column floorcast.webhook.earlier_until is 'Until then; null when there is none.';
comment on column floorcast.webhook.failures is 'Attempts in a row that failed, of all shares; 0 when the last message was taken.';
comment on column floorcast.webhook.failure is 'What the last of them failed with; null when the last message was taken.';
comment on column floorcast.webhook.failed_at is 'When that was.';
comment on column floorcast.webhook.next_attempt_at is 'Nothing is sent before; null for at once.';
comment on column floorcast.webhook.disabled_at is 'When it was switched off, until its owner puts it anew; null when it is on.';
comment on column floorcast.webhook.disabled_because is 'Why.';
comment on column floorcast.webhook.altered_at is 'When its owner last put it: whatever waited begins again at once.';

grant select on table floorcast.webhook to floorcast_gateway;
-- How it goes. What its owner said is written by functions, in his name.
grant update (failures, failure, failed_at, next_attempt_at, disabled_at, disabled_because)
on table floorcast.webhook to floorcast_gateway;
grant select on table floorcast.consumer, floorcast.consumer_share, floorcast.parked to floorcast_gateway;
