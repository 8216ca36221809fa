-- The people who share a warehouse with the caller, the caller included.
create or replace function floorcast.my_colleagues()
returns setof uuid
stable
-- definer: it reads other people's access, which the caller may not. It tells who is in a warehouse of the caller's, not as what.
security definer
rows 100
set search_path = ''
language sql
as $$
    select distinct theirs.user_id
    from public.user_warehouse_access as mine
    inner join public.user_warehouse_access as theirs on theirs.warehouse_id = mine.warehouse_id
    where mine.user_id = (select auth.uid())
$$;

comment on function floorcast.my_colleagues() is 'The people who may be in one of the warehouses that auth.uid() may be in.';

revoke all on function floorcast.my_colleagues() from public;
grant execute on function floorcast.my_colleagues() to authenticated, service_role;
