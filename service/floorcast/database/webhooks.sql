-- What a gateway asks about webhooks. Parameters are psycopg's %(name)s.

-- name: hooks
-- Webhooks that are on: where to, and which of their shares nobody brings. is_due: something that was rejected is to be tried
-- again, or a batch is out whose gateway is gone.
select
    w.consumer,
    w.url,
    c.envelope,
    array_remove(array[w.signing_key, case when w.earlier_until > now() then w.earlier_key end], null) as keys,
    w.most_changes,
    w.altered_at,
    c.owner,
    c.owner_role,
    c.warehouses,
    array(
        select s.share from floorcast.consumer_share as s
        where s.consumer = w.consumer and (s.lease is null or s.leased_until <= now())
        order by s.share
    ) as free,
    (
        select count(*) from floorcast.parked as p
        where p.consumer = w.consumer and p.state = 'waiting' and p.due_at <= now()
    ) + (
        select count(*) from floorcast.consumer_share as s
        where s.consumer = w.consumer and s.leased_until <= now()
    ) > 0 as is_due,
    w.failures,
    greatest(0, extract(epoch from w.next_attempt_at - now()))::float8 as wait_seconds
from floorcast.webhook as w
join floorcast.consumer as c on c.name = w.consumer
where w.disabled_at is null and (w.consumer = %(consumer)s or %(consumer)s::text is null);

-- name: is_out
-- Whether somebody has a share at the moment.
select count(*) > 0 as is_out from floorcast.consumer_share as s
where s.consumer = %(consumer)s and s.share = %(share)s and s.lease is not null and s.leased_until > now();

-- name: failed
-- Note that a receiver did not take a message.
update floorcast.webhook as w
set
    failures = greatest(1, %(failures)s),
    failure = left(%(reason)s, 2000),
    failed_at = now(),
    next_attempt_at = now() + make_interval(secs => %(seconds)s::float8)
where w.consumer = %(consumer)s and w.disabled_at is null;

-- name: recovered
-- Note that it takes messages.
update floorcast.webhook as w
set failures = 0, failure = null, failed_at = null, next_attempt_at = null
where w.consumer = %(consumer)s;

-- name: disable
-- Send nothing more.
update floorcast.webhook as w
set disabled_at = now(), disabled_because = %(reason)s
where w.consumer = %(consumer)s and w.disabled_at is null;

-- name: put
-- See triggers/8_consumers/put_webhook.sql.
select floorcast.put_webhook(%(consumer)s, %(url)s, %(key)s, %(most)s);

-- name: rotate
-- See triggers/8_consumers/rotate_webhook.sql.
select floorcast.iso(floorcast.rotate_webhook(%(consumer)s, %(key)s, %(seconds)s));

-- name: remove
-- See triggers/8_consumers/remove_webhook.sql.
select floorcast.remove_webhook(%(consumer)s);

-- name: state
-- See triggers/8_consumers/my_webhook.sql.
select
    w.url,
    w.most_changes,
    w.scheme,
    floorcast.iso(w.earlier_until) as earlier_until,
    w.failures,
    w.failure,
    floorcast.iso(w.failed_at) as failed_at,
    floorcast.iso(w.next_attempt_at) as next_attempt_at,
    floorcast.iso(w.disabled_at) as disabled_at,
    w.disabled_because
from floorcast.my_webhook(%(consumer)s) as w;
