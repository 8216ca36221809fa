-- How long a change that was rejected so often waits: 1, 2, 4 … seconds, an hour at most.
create or replace function floorcast.retry_after(attempts integer)
returns interval
immutable
security invoker
language sql
begin atomic
    select make_interval(secs => least(3600, power(2, least(retry_after.attempts, 13) - 1)));
end;

comment on function floorcast.retry_after(integer) is 'How long a change that was rejected so often waits before it is told again.';

revoke execute on function floorcast.retry_after(integer) from public;
