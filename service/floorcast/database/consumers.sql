-- What owners of consumers ask for, in their own names. Parameters are psycopg's %(name)s.

-- name: listed
-- See triggers/8_consumers/consumers.sql.
select
    c.name,
    c.owner,
    c.warehouses,
    c.tables,
    c.columns,
    c.envelope,
    c.shares,
    extract(epoch from c.keep)::float8 as keep_seconds,
    c.attempts,
    floorcast.iso(c.created_at) as created_at,
    c.tick,
    c.lag_ticks,
    c.lag_seconds,
    c.idle_seconds,
    c.workers,
    c.waiting,
    c.dead,
    floorcast.iso(c.kept_until) as kept_until
from floorcast.consumers(%(consumer)s::text) as c
order by c.name;

-- name: put
-- See triggers/8_consumers/put_consumer.sql.
select
    floorcast.put_consumer(
        %(consumer)s,
        %(warehouses)s::text[],
        tables => %(tables)s::text[],
        columns => %(columns)s::jsonb,
        shares => %(shares)s::integer,
        keep => make_interval(secs => %(keep_seconds)s::float8),
        attempts => %(attempts)s::integer,
        envelope => %(envelope)s
    );

-- name: remove
-- See triggers/8_consumers/remove_consumer.sql.
select floorcast.remove_consumer(%(consumer)s);

-- name: parked
-- See triggers/8_consumers/parked_changes.sql.
select
    p.id,
    p.change_id,
    p.state,
    p.attempts,
    floorcast.iso(p.due_at) as due_at,
    p.reason,
    floorcast.iso(p.parked_at) as parked_at,
    p.op,
    p.table_name,
    p.key::text as key,
    p.old::text as old,
    p.new::text as new
from floorcast.parked_changes(%(consumer)s, %(after)s::bigint, %(most)s::integer) as p
order by p.id;

-- name: replay
-- See triggers/8_consumers/replay_parked.sql.
select floorcast.replay_parked(%(consumer)s, %(id)s::bigint);

-- name: drop
-- See triggers/8_consumers/drop_parked.sql.
select floorcast.drop_parked(%(consumer)s, %(id)s::bigint);

-- name: move
-- See triggers/8_consumers/move_consumer.sql.
select floorcast.move_consumer(%(consumer)s, tick => %(tick)s::bigint, at => %(at)s::timestamptz);

-- name: seal
-- By which histories are told apart; and how far this one goes.
select
    (
        select encode(t.seal, 'hex') from floorcast.tick as t
        where t.tick = %(tick)s
    ) as seal,
    (select max(t.tick) from floorcast.tick as t) as newest;
