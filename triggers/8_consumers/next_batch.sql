-- The next changes of a consumer, for whoever works on it: select * from floorcast.next_batch('erp'). No row: nothing is due.
--
-- It takes a share that nobody has, the one that is furthest behind, and gives whole ticks of it, in order, until about so many
-- changes; batch names them, and floorcast.ack() moves the position behind them. Acknowledged in the transaction that took it,
-- together with what the caller made of it, each change counts exactly once: no lock outlives the transaction and no position
-- moves without it. Acknowledged later, at least once: the lease holds for so many seconds, then somebody else may take the share, and
-- the first one's acknowledgement is refused.
-- Several sessions take several shares (skip locked). A row is always in the same share, so its changes come one after the other.
--
-- Changes that were rejected come again when they are due, with those of the same row behind them, in a batch of their own. What
-- comes for such a row meanwhile is parked behind them, and never told before.
--
-- Under the caller's access as it is now, as floorcast.history(): row by row and column by column.
-- Ticks that have nothing for a share are passed over at once, so that an idle consumer keeps up.
create or replace function floorcast.next_batch(
    consumer text,
    most integer default 1000,
    worker text default null,
    seconds integer default 60,
    share integer default null
)
returns table (
    batch uuid,
    in_share integer,
    id text,
    tick bigint,
    n bigint,
    closed_at timestamptz,
    op text,
    by text,
    table_name text,
    key json,
    warehouse text,
    old json,
    new json,
    actor text,
    at timestamptz,
    attempts integer
)
volatile
-- definer: the trail holds every warehouse, so people may not read it, nor write positions. It answers for the caller only, by
-- floorcast.consumer_reading().
security definer
rows 1000
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
language plpgsql
as $$
#variable_conflict use_column
declare
    -- Refuse first.
    _consumer constant floorcast.consumer := floorcast.my_consumer(next_batch.consumer);
    _reading constant jsonb := floorcast.consumer_reading(_consumer);
    _tables constant text[] := array(select jsonb_object_keys(_reading));
    _incarnation constant text := (select i.incarnation::text from floorcast.incarnation as i order by i.number desc limit 1);
    _most constant integer := greatest(1, least(coalesce(next_batch.most, 1000), 10000));
    _lease constant uuid := gen_random_uuid();
    _tried integer[] := '{}';
    _share floorcast.consumer_share;
    _upto bigint;
begin
    loop
        select s.* into _share
        from floorcast.consumer_share as s
        where
            s.consumer = _consumer.name
            and s.share <> all (_tried)
            and (next_batch.share is null or s.share = next_batch.share)
            and (s.lease is null or s.leased_until <= clock_timestamp())
        order by s.tick, s.acked_at, s.share
        for update skip locked
        limit 1;
        exit when not found;
        _tried := _tried || _share.share;
        perform floorcast.refuse_gone(_consumer.name, _share.tick, _share.seal);

        -- What is due again: of each row whose first parked change may be tried, all that are parked.
        update floorcast.parked as p set lease = _lease
        where p.id in (
            select q.id
            from floorcast.parked as q
            where
                q.consumer = _consumer.name
                and q.state = 'waiting'
                and floorcast.share_of(q.table_name, q.key::text, _consumer.shares) = _share.share
                and exists (
                    select from (
                        select f.* from floorcast.parked as f
                        where
                            f.consumer = q.consumer and f.table_name = q.table_name and f.key::text = q.key::text
                            and f.state <> 'settled'
                        order by f.tick, f.n
                        limit 1
                    ) as f
                    where f.state = 'waiting' and f.due_at <= clock_timestamp()
                )
            order by q.tick, q.n
            limit _most
        );
        if found then
            return query
            select
                _lease, _share.share, format('%s:%s-%s', _incarnation, p.tick, p.n), p.tick, p.n, p.closed_at, t.op,
                c.op, p.table_name, p.key, coalesce(p.after_place, p.before_place), t.old, t.new, c.actor, c.at, p.attempts
            from floorcast.parked as p
            cross join lateral json_populate_record(null::floorcast.change, p.change) as c
            cross join lateral floorcast.tell_change(
                c, p.before_place, p.after_place, _reading -> p.table_name, _consumer.columns -> p.table_name
            ) as t
            where p.consumer = _consumer.name and p.lease = _lease and t.op is not null
            order by p.tick, p.n;
            if found then
                update floorcast.consumer_share as s
                set lease = _lease, leased_until = clock_timestamp() + make_interval(secs => greatest(1, least(next_batch.seconds, 3600))),
                    worker = next_batch.worker, upto = null
                where s.consumer = _consumer.name and s.share = _share.share;
                return;
            end if;
            -- Nothing of it is for the caller any more.
            update floorcast.parked as p set state = 'settled', lease = null where p.consumer = _consumer.name and p.lease = _lease;
        end if;

        loop
            -- As many ticks as have so many changes for anybody; one at least.
            select max(t.tick) into _upto
            from (
                select k.tick, sum(k.count) over (order by k.tick) - k.count as before, sum(k.count) over (order by k.tick) as upto
                from (
                    select k.tick, k.count from floorcast.tick as k
                    where k.tick > _share.tick order by k.tick limit 1000
                ) as k
            ) as t
            where t.upto <= _most or t.before = 0;
            exit when _upto is null;

            -- What follows a change that is parked is parked behind it.
            insert into floorcast.parked (consumer, table_name, key, tick, n, change, before_place, after_place, closed_at)
            select
                _consumer.name, (c.change).table_name, (c.change).key, c.tick, c.n, row_to_json(c.change), c.before_place,
                c.after_place, c.closed_at
            from floorcast.share_changes(_consumer, _share.share, _tables, _share.tick, _upto) as c
            where exists (
                select from floorcast.parked as p
                where
                    p.consumer = _consumer.name and p.table_name = (c.change).table_name
                    and p.key::text = (c.change).key::text and p.state <> 'settled'
            )
            on conflict on constraint a_change_is_parked_once do nothing;

            return query
            select
                _lease, _share.share, format('%s:%s-%s', _incarnation, c.tick, c.n), c.tick, c.n, c.closed_at, t.op,
                (c.change).op, (c.change).table_name, (c.change).key, coalesce(c.after_place, c.before_place), t.old, t.new,
                (c.change).actor, (c.change).at, 0
            from floorcast.share_changes(_consumer, _share.share, _tables, _share.tick, _upto) as c
            cross join lateral floorcast.tell_change(
                c.change, c.before_place, c.after_place, _reading -> (c.change).table_name,
                _consumer.columns -> (c.change).table_name
            ) as t
            where
                t.op is not null
                -- One that was parked is told from there, or was settled there.
                and not exists (
                    select from floorcast.parked as p
                    where p.consumer = _consumer.name and p.tick = c.tick and p.n = c.n
                )
            order by c.tick, c.n;
            if found then
                update floorcast.consumer_share as s
                set lease = _lease, leased_until = clock_timestamp() + make_interval(secs => greatest(1, least(next_batch.seconds, 3600))),
                    worker = next_batch.worker, upto = _upto, tick = _share.tick, seal = _share.seal
                where s.consumer = _consumer.name and s.share = _share.share;
                return;
            end if;
            select t.tick, t.seal into _share.tick, _share.seal from floorcast.tick as t where t.tick = _upto;
            update floorcast.consumer_share as s
            set tick = _share.tick, seal = _share.seal, acked_at = clock_timestamp(), lease = null, leased_until = null, upto = null
            where s.consumer = _consumer.name and s.share = _share.share;
        end loop;
    end loop;
end;
$$;

comment on function floorcast.next_batch(text, integer, text, integer, integer) is
'The next changes of a consumer, whole ticks in order, under a lease; floorcast.ack() acknowledges them.';

revoke execute on function floorcast.next_batch(text, integer, text, integer, integer) from public;
grant execute on function floorcast.next_batch(text, integer, text, integer, integer) to authenticated, service_role;
