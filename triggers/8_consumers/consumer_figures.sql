-- How every consumer stands, for metrics and doctor: how far behind its last share is, in ticks and in seconds since the first of
-- them was closed; for how long nothing of it was acknowledged; what is parked. Abandoned: behind for longer than the trail is
-- kept for it. No row of the CMMS is in it.
create or replace function floorcast.consumer_figures()
returns table (
    name text,
    owner text,
    tick bigint,
    lag_ticks bigint,
    lag_seconds double precision,
    idle_seconds double precision,
    workers bigint,
    waiting bigint,
    dead bigint,
    keep_seconds double precision,
    is_abandoned boolean
)
stable
-- definer: processes read no consumers.
security definer
rows 100
set search_path = pg_catalog, pg_temp
language sql
as $$
    select
        c.name,
        c.owner,
        s.tick,
        greatest(0, n.tick - s.tick),
        case when n.tick > s.tick then greatest(0, extract(epoch from clock_timestamp() - b.closed_at))::double precision else 0 end,
        extract(epoch from clock_timestamp() - s.acked_at)::double precision,
        s.workers,
        p.waiting,
        p.dead,
        extract(epoch from c.keep)::double precision,
        n.tick > s.tick and b.closed_at < clock_timestamp() - c.keep
    from floorcast.consumer as c
    cross join (select t.tick from floorcast.tick as t order by t.tick desc limit 1) as n
    cross join
        lateral (
            select
                min(s.tick) as tick,
                max(s.acked_at) as acked_at,
                count(*) filter (where s.leased_until > clock_timestamp()) as workers
            from floorcast.consumer_share as s
            where s.consumer = c.name
        ) as s
    cross join
        lateral (
            select
                count(*) filter (where p.state = 'waiting') as waiting,
                count(*) filter (where p.state = 'dead') as dead
            from floorcast.parked as p
            where p.consumer = c.name
        ) as p
    left join
        lateral (
            select t.closed_at from floorcast.tick as t
            where t.tick > s.tick
            order by t.tick
            limit 1
        ) as b on true
    order by c.name
$$;

comment on function floorcast.consumer_figures() is 'How far behind each consumer is, and what it has parked; for metrics and doctor.';

revoke execute on function floorcast.consumer_figures() from public;
grant execute on function floorcast.consumer_figures() to floorcast_gateway, floorcast_maintain;
