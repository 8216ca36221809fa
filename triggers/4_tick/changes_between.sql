-- What one snapshot sees and an earlier one did not: two index ranges, exact, without waiting for anybody.
-- A standard SQL body: names are bound when it is created, and the planner sees through the call.
-- It reads with the snapshot of the statement that calls it, so `upto` must not be newer than that one.
create or replace function floorcast.changes_between(after pg_snapshot, upto pg_snapshot)
returns setof floorcast.change
stable
security invoker
language sql
begin atomic
    -- began after
    select c.*
    from floorcast.change as c
    where
        c.xid >= pg_snapshot_xmax(changes_between.after)
        and c.xid < pg_snapshot_xmax(changes_between.upto)
        and pg_visible_in_snapshot(c.xid, changes_between.upto)
    union all
    -- were running then, and have ended: nearly always none, and only these are looked for
    select c.*
    from floorcast.change as c
    where
        c.xid = any(
            array(
                select r.xid
                from pg_snapshot_xip(changes_between.after) as r (xid)
                where pg_visible_in_snapshot(r.xid, changes_between.upto)
            )
        );
end;

comment on function floorcast.changes_between(pg_snapshot, pg_snapshot) is
'Changes that `upto` sees and `after` did not, in no order.';

revoke execute on function floorcast.changes_between(pg_snapshot, pg_snapshot) from public;
grant execute on function floorcast.changes_between(pg_snapshot, pg_snapshot) to floorcast_relay, floorcast_gateway;
