-- A row's key as capture writes it into the trail, from a JSON object that names its columns: {"id": "…"}.
-- The values pass through the columns' types, so that whichever way somebody writes a uuid or a number finds the row.
-- Dynamic, since each table has its own key; names and types come from the catalogue, and the values are a parameter.
-- Of tracked tables only: definers call it, and somebody's own table could have a type for a key whose check is his function.
create or replace function floorcast.key_text(relation regclass, key jsonb)
returns text
stable
security invoker
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set intervalstyle = 'iso_8601'
set datestyle = 'ISO, MDY'
set bytea_output = 'hex'
set extra_float_digits = 1
language plpgsql
as $$
declare
    _columns text[];
    _values text;
    _text text;
begin
    if not exists (select from floorcast.tracked as t where t.relation = key_text.relation) then
        raise exception '% has no history: it is not tracked', key_text.relation
        using errcode = 'object_not_in_prerequisite_state',
            hint = 'floorcast.track() has its changes kept from then on.';
    end if;

    select array_agg(k.name), string_agg(
        format('%L, cast($1 ->> %L as %s)', k.name, k.name, format_type(a.atttypid, a.atttypmod)), ', '
    )
    into _columns, _values
    from floorcast.key_columns(key_text.relation) as k
    join pg_catalog.pg_attribute as a on a.attrelid = key_text.relation and a.attname = k.name;

    if jsonb_typeof(key_text.key) is distinct from 'object'
        or (select array_agg(n order by n) from jsonb_object_keys(key_text.key) as n)
        is distinct from (select array_agg(n order by n) from unnest(_columns) as n)
    then
        raise exception 'the key of % is %, and not %', key_text.relation, array_to_string(_columns, ', '), key_text.key
        using errcode = 'invalid_parameter_value', hint = 'Give a JSON object with just these names.';
    end if;
    execute format('select json_build_object(%s)::text', _values) into _text using key_text.key;
    return _text;
end;
$$;

comment on function floorcast.key_text(regclass, jsonb) is 'The text of a row''s key as it is in the trail.';

revoke execute on function floorcast.key_text(regclass, jsonb) from public;
