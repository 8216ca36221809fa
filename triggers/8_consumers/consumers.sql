-- The caller's consumers, or the one of that name: what each is, and how it stands, as floorcast.consumer_figures() has it. Servers
-- see all. Secrets are not among it.
create or replace function floorcast.consumers(consumer text default null)
returns table (
    name text,
    owner text,
    warehouses text[],
    tables text[],
    columns jsonb,
    envelope text,
    shares integer,
    keep interval,
    attempts integer,
    url text,
    disabled_at timestamptz,
    created_at timestamptz,
    tick bigint,
    lag_ticks bigint,
    lag_seconds double precision,
    idle_seconds double precision,
    workers bigint,
    waiting bigint,
    dead bigint,
    kept_until timestamptz
)
stable
-- definer: nobody may read consumers; it answers for the caller only.
security definer
rows 100
set search_path = pg_catalog, pg_temp
language sql
as $$
    select
        c.name, c.owner, c.warehouses, c.tables, c.columns, c.envelope, c.shares, c.keep, c.attempts, c.url, c.disabled_at,
        c.created_at, f.tick, f.lag_ticks, f.lag_seconds, f.idle_seconds, f.workers, f.waiting, f.dead,
        clock_timestamp() - make_interval(secs => f.lag_seconds) + c.keep
    from floorcast.consumer as c
    inner join floorcast.consumer_figures() as f on f.name = c.name
    where
        (consumers.consumer is null or c.name = consumers.consumer)
        and (
            (select floorcast.is_server())
            or (c.owner_role = 'authenticated' and c.owner = (select floorcast.my_id())::text)
        )
    order by c.name
$$;

comment on function floorcast.consumers(text) is 'The caller''s consumers and how they stand; servers see all.';

revoke execute on function floorcast.consumers(text) from public;
grant execute on function floorcast.consumers(text) to authenticated, service_role;
