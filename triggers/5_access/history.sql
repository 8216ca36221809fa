-- What was done to one row, oldest first: history('public.work_orders', '{"id": "…"}').
--
-- Under the caller's access as it is now, on both sides of each change: of a row that moved, the side that it left sees that it
-- left and not where to, and the other side sees it come. A retired row is gone, and a restored one comes, in the same way; where
-- only one side is seen, `changed` names what made it go or come. Hidden columns are null and not named. Servers see all.
-- tick is null while no tick has the change.
create or replace function floorcast.history(relation regclass, key jsonb)
returns table (
    tick bigint,
    at timestamptz,
    op text,
    actor text,
    request_id text,
    transaction text,
    changed text[],
    old json,
    new json,
    warehouse text
)
stable
-- definer: the trail holds every warehouse, so people may not read it. It answers for the caller only, by floorcast.my_reading().
security definer
rows 20
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
-- Not sql: there the planner may call what a condition names before the caller is refused, and a key's type may be the caller's.
language plpgsql
as $$
declare
    -- Refuses first.
    _reading constant jsonb := floorcast.my_reading(history.relation);
    _key constant text := floorcast.key_text(history.relation, history.key);
begin
    return query
    with past as (
        select
            c.*,
            p.place_column,
            -- A row that came from no warehouse at all has only its own word for that.
            coalesce(
                c.old_warehouse,
                case when (c.old -> t.warehouse_column)::text = 'null' then null else c.warehouse end
            ) as old_place
        from floorcast.tracked as t
        left join floorcast.protected as p on p.relation = t.relation
        inner join floorcast.change as c on c.table_name = t.table_name
        where
            t.relation = history.relation
            and c.key::text = _key
            -- A row of a transaction that is yet to come was put there; one's own may be newer than the snapshot.
            and (c.xid < pg_snapshot_xmax(pg_current_snapshot()) or c.xid = pg_current_xact_id_if_assigned())
    ),
    seen as (
        select
            c.*,
            floorcast.as_seen(c.old, c.old_place, c.old_retired, _reading) as old_seen,
            floorcast.as_seen(c.new, c.warehouse, c.retired, _reading) as new_seen
        from past as c
    )
    select
        floorcast.tick_of(s.xid),
        s.at,
        s.op,
        s.actor,
        s.request_id,
        s.xid::text,
        case
            when s.op <> 'update' then null
            when s.old_seen is not null and s.new_seen is not null then (
                select coalesce(array_agg(n.key order by n.n), '{}')
                from json_each(s.new) with ordinality as n (key, value, n)
                where
                    (s.old -> n.key)::text is distinct from n.value::text
                    -- What is hidden on either side is not told by saying that it changed.
                    and (s.old -> n.key)::text is not distinct from (s.old_seen -> n.key)::text
                    and n.value::text is not distinct from (s.new_seen -> n.key)::text
            )
            else array_remove(array[
                case when s.old_place is distinct from s.warehouse then s.place_column end,
                case when s.old_retired <> s.retired then 'deleted_at' end
            ], null)
        end,
        s.old_seen,
        s.new_seen,
        case when s.new_seen is null then s.old_place else s.warehouse end
    from seen as s
    where s.old_seen is not null or s.new_seen is not null
    order by s.seq;
end;
$$;

comment on function floorcast.history(regclass, jsonb) is
'What was done to one row, when and by whom, as far as the caller may see it: history(''public.work_orders'', ''{"id": "…"}'').';

revoke all on function floorcast.history(regclass, jsonb) from public;
grant execute on function floorcast.history(regclass, jsonb) to authenticated, service_role;
