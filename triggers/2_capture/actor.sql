-- Who did it: the person in the caller's claims, else the role that the session acts as. Never nobody.
-- Both forms of claims that auth.uid() reads: who may write under one must not become nobody under the other.
-- Called once per captured statement, and by domain triggers that write history.
create or replace function floorcast.actor()
returns text
stable
security invoker
language sql
begin atomic
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub', ''),
        'system:' || coalesce(nullif(current_setting('role'), 'none'), session_user)
    );
end;

comment on function floorcast.actor() is 'sub of request.jwt.claims, or system:<role>.';

revoke execute on function floorcast.actor() from public;
grant execute on function floorcast.actor() to authenticated, service_role;
