-- Rings NOTIFY when the relay needs it; called by capture, once per statement that changed a row.
--
-- A commit that notified holds a cluster-wide lock across its flush, so notifying writers commit one after the other.
-- While the relay is busy reading anyway, a writer stays silent, on two conditions that hold only together:
--   the state is busy until a time not yet passed (a relay that died must not silence the bell), and
--   lock K can be had shared, to the end of this transaction (the relay takes K exclusively before it falls asleep).
-- Looking at the state alone loses a wake-up: the relay may go idle between this look and our commit.
-- The payload names the family, never data: equal payloads fold, and no row is too large to be announced.
create or replace function floorcast.ring(family text)
returns void
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    -- A sequence is read past MVCC: its value now, not as of this statement's snapshot.
    if (select last_value from floorcast.doorbell) > floorcast.now_ms() then
        if pg_try_advisory_xact_lock_shared(floorcast.silence_lock()) then
            return;
        end if;
    end if;
    perform pg_notify('floorcast', ring.family);
end;
$$;

comment on function floorcast.ring(text) is 'NOTIFY floorcast, unless a busy relay reads by itself.';

revoke execute on function floorcast.ring(text) from public;
