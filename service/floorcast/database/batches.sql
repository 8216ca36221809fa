-- What is asked about batches of consumers. Parameters are psycopg's %(name)s.

-- name: become
-- Go on as the owner of a consumer until the transaction ends.
select
    set_config('request.jwt.claims', %(claims)s, true),
    set_config('role', %(role)s, true);

-- name: next_batch
-- The next changes of a share, in order.
select
    b.batch,
    b.in_share,
    b.id,
    b.tick,
    b.n,
    b.op,
    b.by,
    b.table_name,
    b.key::text as key,
    b.warehouse,
    b.old::text as old,
    b.new::text as new,
    b.actor,
    floorcast.iso(b.at) as at,
    floorcast.iso(b.closed_at) as closed_at
from floorcast.next_batch(%(consumer)s, %(most)s, %(worker)s, %(seconds)s, %(share)s) as b
order by b.tick, b.n;

-- name: hold
-- Keep a batch for longer.
select floorcast.iso(floorcast.hold_batch(%(consumer)s, %(batch)s, %(seconds)s));

-- name: ack
-- Be done with a batch.
select floorcast.ack(%(consumer)s, %(batch)s, %(rejected)s);
