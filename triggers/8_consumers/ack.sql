-- Acknowledges a batch of floorcast.next_batch(): ack('erp', batch). Its share stands behind it from then on, and is free.
-- rejected: [{"id": "…", "reason": "…"}], changes that the caller could not take. Each is parked, and with it all that follow of the
-- same row in the batch, whether he took them or not: whoever rejects a change leaves what follows of its row alone. It comes again
-- after 1, 2, 4 … seconds, an hour at most, and is dead after as many attempts as its consumer has; nothing of its row is told
-- behind a dead one until that is replayed or dropped.
-- Refused with SQLSTATE PT409 where the lease is gone: another worker has the share, or has had it and moved it on.
-- It asks for no access: whoever lost it since has done what he acknowledges, and would do it again otherwise.
-- Returns the tick up to which the share is done.
create or replace function floorcast.ack(consumer text, batch uuid, rejected jsonb default null)
returns bigint
volatile
-- definer: nobody may write positions; it moves those of the caller's consumers.
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
language plpgsql
as $$
#variable_conflict use_column
declare
    _consumer constant floorcast.consumer := floorcast.my_consumer(ack.consumer);
    _rejected constant jsonb := coalesce(ack.rejected, '[]');
    _now constant timestamptz := clock_timestamp();
    _share floorcast.consumer_share;
    _tables text[];
    _found bigint;
begin
    if jsonb_typeof(_rejected) <> 'array'
        or exists (select from jsonb_array_elements(_rejected) as r where coalesce(r ->> 'id', '') !~ ':\d{1,18}-\d{1,18}$')
    then
        raise exception 'rejected is an array of objects with the id of a change, and not %', left(_rejected::text, 200)
        using errcode = 'invalid_parameter_value', hint = 'Give ids as the batch has them: [{"id": "…", "reason": "…"}].';
    end if;
    select s.* into _share
    from floorcast.consumer_share as s
    where s.consumer = _consumer.name and s.lease = ack.batch
    for update;
    if not found then
        raise exception 'batch % of consumer % is not out any more: another worker has its share, or it was acknowledged',
            ack.batch, _consumer.name
        using errcode = 'PT409', hint = 'Take the next batch; what was not acknowledged comes again.';
    end if;

    if _share.upto is null then
        -- Parked changes that came again. Those behind a rejected one of the same row wait on.
        with refused as (
            select
                split_part(split_part(r ->> 'id', ':', -1), '-', 1)::bigint as tick,
                split_part(split_part(r ->> 'id', ':', -1), '-', 2)::bigint as n,
                left(r ->> 'reason', 2000) as reason
            from jsonb_array_elements(_rejected) as r
        ),
        out as (
            select
                p.id,
                f.tick is not null as is_refused,
                f.reason,
                bool_or(f.tick is not null) over (
                    partition by p.table_name, p.key::text order by p.tick, p.n
                ) as is_behind
            from floorcast.parked as p
            left join refused as f on f.tick = p.tick and f.n = p.n
            where p.consumer = _consumer.name and p.lease = ack.batch
        ),
        judged as (
            update floorcast.parked as p
            set
                lease = null,
                state = case
                    when not o.is_behind then 'settled'
                    when o.is_refused and p.attempts + 1 >= _consumer.attempts then 'dead'
                    else p.state
                end,
                attempts = p.attempts + o.is_refused::integer,
                reason = case when o.is_refused then o.reason else p.reason end,
                due_at = case when o.is_behind then _now + floorcast.retry_after(p.attempts + 1) else p.due_at end
            from out as o
            where p.id = o.id
            returning o.is_refused
        )
        select count(*) filter (where j.is_refused) into _found from judged as j;
    elsif _rejected <> '[]' then
        _tables := coalesce(_consumer.tables, array(select t.table_name from floorcast.tracked as t));
        with refused as (
            select
                split_part(split_part(r ->> 'id', ':', -1), '-', 1)::bigint as tick,
                split_part(split_part(r ->> 'id', ':', -1), '-', 2)::bigint as n,
                left(r ->> 'reason', 2000) as reason
            from jsonb_array_elements(_rejected) as r
        ),
        out as (
            select
                c.*,
                f.tick is not null as is_refused,
                f.reason,
                bool_or(f.tick is not null) over (
                    partition by (c.change).table_name, (c.change).key::text order by c.tick, c.n
                ) as is_behind
            from floorcast.share_changes(_consumer, _share.share, _tables, _share.tick, _share.upto) as c
            left join refused as f on f.tick = c.tick and f.n = c.n
        ),
        put as (
            insert into floorcast.parked as p (
                consumer, table_name, key, tick, n, change, before_place, after_place, closed_at, state, attempts, reason, due_at
            )
            select
                _consumer.name, (o.change).table_name, (o.change).key, o.tick, o.n, row_to_json(o.change), o.before_place,
                o.after_place, o.closed_at, case when o.is_refused and _consumer.attempts = 1 then 'dead' else 'waiting' end,
                o.is_refused::integer, o.reason, _now + floorcast.retry_after(1)
            from out as o
            where o.is_behind
            on conflict on constraint a_change_is_parked_once do nothing
            returning p.attempts
        )
        select count(*) filter (where p.attempts > 0) into _found from put as p;
    end if;
    if _found < (select count(distinct substring(r ->> 'id' from '\d+-\d+$')) from jsonb_array_elements(_rejected) as r) then
        raise exception 'not every rejected id is a change of batch %', ack.batch
        using errcode = 'invalid_parameter_value', hint = 'Give ids as the batch has them; nothing was acknowledged.';
    end if;

    update floorcast.consumer_share as s
    set
        tick = coalesce(_share.upto, s.tick),
        seal = coalesce((select t.seal from floorcast.tick as t where t.tick = _share.upto), s.seal),
        acked_at = _now,
        lease = null,
        leased_until = null,
        upto = null
    where s.consumer = _consumer.name and s.share = _share.share
    returning s.tick into _share.tick;
    -- What is settled was remembered only until its share was past it.
    delete from floorcast.parked as p
    where
        p.consumer = _consumer.name and p.state = 'settled' and p.tick <= _share.tick
        and floorcast.share_of(p.table_name, p.key::text, _consumer.shares) = _share.share;
    return _share.tick;
end;
$$;

comment on function floorcast.ack(text, uuid, jsonb) is
'Acknowledges a batch of a consumer and parks what was rejected of it; returns the tick up to which its share is done.';

revoke execute on function floorcast.ack(text, uuid, jsonb) from public;
grant execute on function floorcast.ack(text, uuid, jsonb) to authenticated, service_role;
