-- The newest tick that was closed at a time or before; null when the trail begins later. Found by halving, as in tick_of.
create or replace function floorcast.tick_at(at timestamptz)
returns bigint
stable
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _before bigint := floorcast.first_tick();
    _after bigint := 1 + (select t.tick from floorcast.tick as t order by t.tick desc limit 1);
    _middle bigint;
begin
    if (select t.closed_at from floorcast.tick as t where t.tick = _before) > tick_at.at then
        return null;
    end if;
    while _after - _before > 1 loop
        _middle := (_after + _before) / 2;
        if (
            select t.closed_at
            from floorcast.tick as t
            where t.tick <= _middle
            order by t.tick desc
            limit 1
        ) > tick_at.at then
            _after := _middle;
        else
            _before := _middle;
        end if;
    end loop;
    return (select t.tick from floorcast.tick as t where t.tick <= _before order by t.tick desc limit 1);
end;
$$;

comment on function floorcast.tick_at(timestamptz) is 'The newest tick closed at that time or before; null when the trail begins later.';

revoke execute on function floorcast.tick_at(timestamptz) from public;
