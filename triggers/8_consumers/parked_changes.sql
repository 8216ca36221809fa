-- What a consumer of the caller has parked, in order, as far as he may see it now; at most so many, behind an id.
create or replace function floorcast.parked_changes(consumer text, after bigint default 0, most integer default 1000)
returns table (
    id bigint,
    change_id text,
    state text,
    attempts integer,
    due_at timestamptz,
    reason text,
    parked_at timestamptz,
    op text,
    table_name text,
    key json,
    old json,
    new json
)
stable
-- definer: nobody may read what is parked; it answers for the caller only, by floorcast.consumer_reading().
security definer
rows 100
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
#variable_conflict use_column
declare
    _consumer constant floorcast.consumer := floorcast.my_consumer(parked_changes.consumer);
    _reading constant jsonb := floorcast.consumer_reading(_consumer);
begin
    return query
    select
        p.id,
        format('%s:%s-%s', (select i.incarnation from floorcast.incarnation as i order by i.number desc limit 1), p.tick, p.n),
        p.state, p.attempts, p.due_at, p.reason, p.parked_at, t.op, p.table_name, p.key, t.old, t.new
    from floorcast.parked as p
    cross join lateral json_populate_record(null::floorcast.change, p.change) as c
    cross join lateral floorcast.tell_change(
        c, p.before_place, p.after_place, _reading -> p.table_name, _consumer.columns -> p.table_name
    ) as t
    where
        p.consumer = _consumer.name and p.state <> 'settled' and p.id > parked_changes.after
        -- A table that he reads no more.
        and _reading ? p.table_name and t.op is not null
    order by p.id
    limit least(parked_changes.most, 10000);
end;
$$;

comment on function floorcast.parked_changes(text, bigint, integer) is
'What a consumer has parked, as far as the caller may see it.';

revoke execute on function floorcast.parked_changes(text, bigint, integer) from public;
grant execute on function floorcast.parked_changes(text, bigint, integer) to authenticated, service_role;
