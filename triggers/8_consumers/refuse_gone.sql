-- Refuses to go on from a tick that is not kept any more, or that lies before a cut: what came behind it is not all there, and a
-- program that must not miss anything has to be told. SQLSTATE PT410; the detail is the reason, in the words of docs/protocol.md.
create or replace function floorcast.refuse_gone(consumer text, tick bigint, seal bytea)
returns void
stable
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _seal bytea := (select t.seal from floorcast.tick as t where t.tick = refuse_gone.tick);
    _reason text;
begin
    if _seal is null and refuse_gone.tick > (select t.tick from floorcast.tick as t order by t.tick desc limit 1) then
        _reason := 'future';
    elsif _seal is null then
        _reason := 'trimmed';
    elsif _seal <> refuse_gone.seal or refuse_gone.tick < floorcast.first_tick() then
        _reason := 'incarnation';
    else
        return;
    end if;
    raise exception 'consumer % cannot go on from tick %: what came behind it is not all there', refuse_gone.consumer, refuse_gone.tick
    using errcode = 'PT410', detail = _reason,
        hint = 'Read the present anew, then move the consumer: floorcast.move_consumer(name).';
end;
$$;

comment on function floorcast.refuse_gone(text, bigint, bytea) is
'Refuses a consumer''s position that cannot be continued exactly; PT410, the reason as detail.';

revoke execute on function floorcast.refuse_gone(text, bigint, bytea) from public;
