-- Ends access whose time has come: a job that writes, so that it is a row change with a position, attributed to the job.
--
-- Rows that somebody holds are left for the next run. Several runs at once end different rows, or nothing.
--
-- Called by `floorcast maintain`, and by whoever else acts as floorcast_maintain or service_role.
create or replace function floorcast.end_expired_access()
returns integer
volatile
-- definer: the role that runs jobs owns nothing and sees no table.
security definer
set search_path = pg_catalog, pg_temp
language sql
as $$
    with ended as (
        delete from public.user_warehouse_access as a
        using (
            select x.user_id, x.warehouse_id
            from public.user_warehouse_access as x
            where x.ends_at <= clock_timestamp()
            order by x.ends_at
            limit 1000
            for update skip locked
        ) as expired
        where
            a.user_id = expired.user_id
            and a.warehouse_id = expired.warehouse_id
            and a.ends_at <= clock_timestamp()
        returning a.user_id
    )
    select count(*)::integer from ended
$$;

comment on function floorcast.end_expired_access() is
'Job: deletes access whose ends_at has come; returns how much. At most a thousand a run.';

revoke execute on function floorcast.end_expired_access() from public;
grant execute on function floorcast.end_expired_access() to floorcast_maintain, service_role;
