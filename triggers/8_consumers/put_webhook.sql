-- Has a consumer's changes posted to a URL from now on, or says anew where to. One that was switched off, or that waits for a
-- receiver which failed, begins again at once. Its secret stays, unless it has none yet: then it is the one that is given, and
-- true is returned.
-- Called by gateways for the caller; whether the URL may be called is looked at there, and each time that it is.
create or replace function floorcast.put_webhook(
    consumer text, url text, signing_key text, most_changes integer default 100
)
returns boolean
volatile
-- definer: nobody but gateways reads what is kept here. It writes what belongs to the caller's consumer only.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
#variable_conflict use_column
declare
    _consumer constant floorcast.consumer := floorcast.my_consumer(put_webhook.consumer);
    _is_new boolean;
begin
    insert into floorcast.webhook as w (consumer, url, most_changes, signing_key)
    values (_consumer.name, put_webhook.url, put_webhook.most_changes, put_webhook.signing_key)
    on conflict (consumer) do update set
        url = excluded.url, most_changes = excluded.most_changes, failures = 0, failure = null, failed_at = null,
        next_attempt_at = null, disabled_at = null, disabled_because = null,
        altered_at = clock_timestamp()
    returning w.signing_key = put_webhook.signing_key into _is_new;
    return _is_new;
end;
$$;

comment on function floorcast.put_webhook(text, text, text, integer) is
'Has a consumer''s changes posted to a URL; true if the secret that is given is the one that it has now.';

revoke execute on function floorcast.put_webhook(text, text, text, integer) from public;
grant execute on function floorcast.put_webhook(text, text, text, integer) to authenticated, service_role;
