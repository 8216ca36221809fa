-- A row of the trail as the caller may see it: whole, with null in columns that are hidden from him, or not at all (null).
-- `reading` is floorcast.my_reading(). A retired row is nobody's but servers', as in the views.
-- A body without settings, since it is called for each row and to set one costs more than all the rest.
-- What is no column of the table any more (reading has 'known') is left out, except for whom a row is: a column that was hidden
-- and is called otherwise now is hidden under its new name only, and nobody could say which one it was.
-- Values are taken over as they are written, digit for digit; a row of which nothing is hidden is the very text.
create or replace function floorcast.as_seen(row_then json, place text, is_retired boolean, reading jsonb)
returns json
immutable
security invoker
language sql
begin atomic
    select case
        when as_seen.row_then is null or (as_seen.reading ->> 'everything')::boolean then as_seen.row_then
        when as_seen.is_retired then null
        when
            as_seen.row_then ->> (as_seen.reading ->> 'owner') = as_seen.reading ->> 'me'
            and (
                as_seen.reading ->> 'owner_places' is null
                or as_seen.reading -> 'owner_places' ? as_seen.place
            )
            then as_seen.row_then
        when as_seen.reading -> 'places' ? as_seen.place then case
            when
                exists (
                    select from jsonb_each(as_seen.reading -> 'columns') as h
                    where not h.value ? as_seen.place
                )
                or not as_seen.reading -> 'known' ?& array(select k from json_object_keys(as_seen.row_then) as k)
                then (
                    select
                        json_object_agg(
                            e.key,
                            case
                                when
                                    as_seen.reading -> 'columns' -> e.key is null
                                    or as_seen.reading -> 'columns' -> e.key ? as_seen.place
                                    then e.value
                                else 'null'::json
                            end
                            order by e.n
                        )
                    from json_each(as_seen.row_then) with ordinality as e (key, value, n)
                    where as_seen.reading -> 'known' is null or as_seen.reading -> 'known' ? e.key
                )
            else as_seen.row_then
        end
    end;
end;

comment on function floorcast.as_seen(json, text, boolean, jsonb) is
'A row of the trail with null in what floorcast.my_reading() hides, or null where it hides all.';

revoke execute on function floorcast.as_seen(json, text, boolean, jsonb) from public;
