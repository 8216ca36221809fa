-- The seal of a tick: what floorcast.close_tick() writes and floorcast.verify_ticks() compares with. This is its only formula.
-- `digests` are those of the tick's transactions in its order, each sha256 over the digests of its changes in theirs.
-- Ticks of earlier versions were sealed without the time at which they were closed: for them closed_at is given as null.
create or replace function floorcast.tick_seal(
    previous bytea, tick bigint, snapshot pg_snapshot, digests bytea, closed_at timestamptz
)
returns bytea
stable
security invoker
language sql
begin atomic
    select sha256(
        tick_seal.previous
        || int8send(tick_seal.tick)
        || convert_to(tick_seal.snapshot::text, 'UTF8')
        || tick_seal.digests
        || coalesce(convert_to(floorcast.iso(tick_seal.closed_at), 'UTF8'), ''::bytea)
    );
end;

comment on function floorcast.tick_seal(bytea, bigint, pg_snapshot, bytea, timestamptz) is
'sha256 over the seal before, the tick, its snapshot, its changes and when it was closed.';

revoke execute on function floorcast.tick_seal(bytea, bigint, pg_snapshot, bytea, timestamptz) from public;
grant execute on function floorcast.tick_seal(bytea, bigint, pg_snapshot, bytea, timestamptz)
to floorcast_relay, floorcast_gateway;
