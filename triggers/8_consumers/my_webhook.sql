-- What is known of the webhook of a consumer of the caller's, without its secrets: where it posts to, and why nothing is sent. No row:
-- it has none.
create or replace function floorcast.my_webhook(consumer text)
returns table (
    url text,
    most_changes integer,
    scheme text,
    earlier_until timestamptz,
    failures integer,
    failure text,
    failed_at timestamptz,
    next_attempt_at timestamptz,
    disabled_at timestamptz,
    disabled_because text
)
stable
-- definer: nobody but gateways reads what is kept here. It answers for the caller's consumer only.
security definer
rows 1
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
#variable_conflict use_column
declare
    _consumer constant floorcast.consumer := floorcast.my_consumer(my_webhook.consumer);
begin
    return query
    select
        w.url, w.most_changes, case when starts_with(w.signing_key, 'whsec_') then 'v1' else 'v1a' end,
        case when w.earlier_until > clock_timestamp() then w.earlier_until end,
        w.failures, w.failure, w.failed_at, w.next_attempt_at, w.disabled_at, w.disabled_because
    from floorcast.webhook as w
    where w.consumer = _consumer.name;
end;
$$;

comment on function floorcast.my_webhook(text) is
'What is known of a consumer''s webhook, without its secrets: where it posts to, and why nothing is sent.';

revoke execute on function floorcast.my_webhook(text) from public;
grant execute on function floorcast.my_webhook(text) to authenticated, service_role;
