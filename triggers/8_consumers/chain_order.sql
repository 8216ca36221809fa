-- In which order changes of one row in one transaction happened, as places in what is given: each begins with the row that the one
-- before left. What fits already, and what cannot be put together, stays as it is. So does service/floorcast/causality.py, and has to:
-- a change has the same position for everybody.
-- A statement inside another one is captured first, so that the order of capture is not always that of causes.
create or replace function floorcast.chain_order(befores text[], afters text[])
returns integer[]
immutable
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _count constant integer := cardinality(befores);
    _given constant integer[] := array(select generate_series(1, _count));
    _used boolean[] := array_fill(false, array[_count]);
    _states text[];
    _arrived integer[] := array[0];
    _path integer[] := '{}';
    _next integer;
    _top integer;
begin
    if not exists (select from generate_series(2, _count) as i where afters[i - 1] <> befores[i]) then
        return _given;
    end if;
    -- It began with the state that is left more often than it is reached.
    _states := array[coalesce(
        (
            select befores[i] from unnest(_given) as i
            where
                (select count(*) from unnest(afters) as a where a = befores[i])
                < (select count(*) from unnest(befores) as b where b = befores[i])
            order by i
            limit 1
        ),
        befores[1]
    )];
    while cardinality(_states) > 0 loop
        _top := cardinality(_states);
        select i into _next from unnest(_given) as i where not _used[i] and befores[i] = _states[_top] order by i limit 1;
        if found then
            _used[_next] := true;
            _states := _states || afters[_next];
            _arrived := _arrived || _next;
        else
            if _arrived[_top] <> 0 then
                _path := _arrived[_top] || _path;
            end if;
            _states := trim_array(_states, 1);
            _arrived := trim_array(_arrived, 1);
        end if;
    end loop;
    if cardinality(_path) <> _count
        or exists (select from generate_series(2, _count) as i where afters[_path[i - 1]] <> befores[_path[i]])
    then
        return _given;
    end if;
    return _path;
end;
$$;

comment on function floorcast.chain_order(text[], text[]) is
'The order of changes of one row in one transaction, by what each found and left; places in what is given.';

revoke execute on function floorcast.chain_order(text[], text[]) from public;
