-- The request in which a statement runs, so that one click on a screen can be found in the logs and in the trail.
-- The setting floorcast.request_id, where a program sets one; else the header x-request-id, as PostgREST passes headers on.
-- Called once per captured statement. The headers are searched and not parsed: whatever a stranger sends must not fail a write,
-- nor may it be long.
create or replace function floorcast.request_id()
returns text
stable
security invoker
language sql
begin atomic
    select left(
        coalesce(
            nullif(current_setting('floorcast.request_id', true), ''),
            substring(current_setting('request.headers', true) from '"x-request-id"\s*:\s*"([^"\\]+)')
        ),
        200
    );
end;

comment on function floorcast.request_id() is 'floorcast.request_id, or the header x-request-id of PostgREST''s request; null for neither.';

revoke execute on function floorcast.request_id() from public;
