-- Which share of a consumer a row is in: the first four bytes of sha256 over table, line feed and key, modulo the shares.
-- The same is in service/floorcast/gateway/consumers/share.py. It must never change: two workers would have one row.
create or replace function floorcast.share_of(table_name text, key text, shares integer)
returns integer
immutable
security invoker
language sql
begin atomic
    select (
        ('x' || encode(
            substr(sha256(convert_to(share_of.table_name || chr(10) || share_of.key, 'UTF8')), 1, 4), 'hex'
        ))::bit(32)::bigint % share_of.shares
    )::integer;
end;

comment on function floorcast.share_of(text, text, integer) is 'The share that a row falls into, from 0: a fixed hash of table and key.';

revoke execute on function floorcast.share_of(text, text, integer) from public;
