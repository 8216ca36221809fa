-- The tick in which a transaction's changes were delivered; null while no tick has them, or where it is not kept any more.
-- What one tick sees, all later ones see: so the first that sees it is found by halving, in some twenty looks. A number that is
-- not there (somebody removed ticks) counts as the tick before it.
create or replace function floorcast.tick_of(xid xid8)
returns bigint
stable
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _unseen bigint := floorcast.first_tick();
    _seen bigint := (select t.tick from floorcast.tick as t order by t.tick desc limit 1);
    _middle bigint;
begin
    if not (select pg_visible_in_snapshot(tick_of.xid, t.snapshot) from floorcast.tick as t where t.tick = _seen)
        or (select pg_visible_in_snapshot(tick_of.xid, t.snapshot) from floorcast.tick as t where t.tick = _unseen)
    then
        return null;
    end if;
    while _seen - _unseen > 1 loop
        _middle := (_seen + _unseen) / 2;
        if (
            select pg_visible_in_snapshot(tick_of.xid, t.snapshot)
            from floorcast.tick as t
            where t.tick <= _middle
            order by t.tick desc
            limit 1
        ) then
            _seen := _middle;
        else
            _unseen := _middle;
        end if;
    end loop;
    return _seen;
end;
$$;

comment on function floorcast.tick_of(xid8) is 'The first tick that sees a transaction; null for none.';

revoke execute on function floorcast.tick_of(xid8) from public;
