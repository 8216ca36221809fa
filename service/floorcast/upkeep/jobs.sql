-- The jobs of `floorcast maintain`, by name; each is one transaction. What they do is in triggers/1_domain.

-- name: patience
-- Whatever a job may wait for, it gives up soon: the next round comes in a minute, and others wait behind it meanwhile.
set lock_timeout = '5s';

-- name: create_due_work_orders
-- At most so many orders; fewer mean that nothing more is due.
select count(*) from floorcast.create_due_work_orders(most := %(most)s);

-- name: end_expired_access
-- At most a thousand.
select floorcast.end_expired_access();

-- name: escalate_work_orders
-- Orders that nobody touched for so many hours.
select floorcast.escalate_work_orders(make_interval(secs := %(hours)s * 3600));

-- name: extend_messages
-- The partitions of today and the two days after.
select floorcast.extend_messages();

-- name: forget_messages
-- Messages that are older than so many hours; ten thousand at most, beside whole days.
select floorcast.forget_messages(make_interval(secs => %(hours)s * 3600));
