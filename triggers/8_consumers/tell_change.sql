-- What a change is for a consumer whose caller reads that (a value of floorcast.consumer_reading()): a row that is seen before and
-- after is updated, one that is seen afterwards only enters, before only leaves. op is null where nothing of it is seen, or where
-- nothing that was asked for has changed.
-- The old row of one that goes on elsewhere, or hidden, is nobody's business: of a leave it is told when the row is no more.
create or replace function floorcast.tell_change(
    change floorcast.change, before_place text, after_place text, reading jsonb, columns jsonb
)
returns table (op text, old json, new json)
stable
security invoker
rows 1
language sql
begin atomic
    select
        case
            when s.old is null and s.new is null then null
            when s.new is null then 'leave'
            when s.old is null then 'enter'
            when tell_change.columns is null or s.old::text <> s.new::text then 'update'
        end,
        case when s.new is not null or tell_change.change.op = 'delete' then s.old end,
        s.new
    from (
        select
            case
                when r.old is null or tell_change.columns is null then r.old
                else (
                    select json_object_agg(e.key, e.value order by e.n)
                    from json_each(r.old) with ordinality as e (key, value, n)
                    where tell_change.columns ? e.key
                )
            end as old,
            case
                when r.new is null or tell_change.columns is null then r.new
                else (
                    select json_object_agg(e.key, e.value order by e.n)
                    from json_each(r.new) with ordinality as e (key, value, n)
                    where tell_change.columns ? e.key
                )
            end as new
        from (
            select
                case when tell_change.before_place is not null then floorcast.as_seen(
                    tell_change.change.old, tell_change.before_place, false, tell_change.reading
                ) end as old,
                case when tell_change.after_place is not null then floorcast.as_seen(
                    tell_change.change.new, tell_change.after_place, false, tell_change.reading
                ) end as new
        ) as r
    ) as s;
end;

comment on function floorcast.tell_change(floorcast.change, text, text, jsonb, jsonb) is
'What a change is for somebody who reads that, as op, old and new; op is null for nothing.';

revoke execute on function floorcast.tell_change(floorcast.change, text, text, jsonb, jsonb) from public;
