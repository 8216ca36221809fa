-- Keeps floorcast.grants what user_warehouse_access says; grants is tracked, so every change of access has a position.
-- Statement-level, so that a bulk import of people is one change of the trail per person and not per row and trigger.
-- Definer: whoever may manage access needs no right on grants itself.
create or replace function floorcast.keep_grants()
returns trigger
volatile
security definer
set search_path = ''
language plpgsql
as $$
begin
    if tg_op <> 'INSERT' then
        delete from floorcast.grants as g
        using old_rows as o
        where
            g.user_id = o.user_id::text
            and g.warehouse = o.warehouse_id::text
            and not exists (
                select from public.user_warehouse_access as a
                where a.user_id = o.user_id and a.warehouse_id = o.warehouse_id
            );
    end if;
    if tg_op <> 'DELETE' then
        insert into floorcast.grants as g (user_id, warehouse, role)
        select n.user_id::text, n.warehouse_id::text, n.role
        from new_rows as n
        on conflict (user_id, warehouse) do update
            set role = excluded.role
            where g.role <> excluded.role;
    end if;
    return null;
end;
$$;

comment on function floorcast.keep_grants() is 'Keeps floorcast.grants what user_warehouse_access says.';

revoke execute on function floorcast.keep_grants() from public;

create or replace trigger _600_keep_grants_insert after insert on public.user_warehouse_access
referencing new table as new_rows
for each statement execute function floorcast.keep_grants();

create or replace trigger _600_keep_grants_update after update on public.user_warehouse_access
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.keep_grants();

create or replace trigger _600_keep_grants_delete after delete on public.user_warehouse_access
referencing old table as old_rows
for each statement execute function floorcast.keep_grants();

-- TRUNCATE gives triggers no rows: everybody would lose access by law and keep it by grant.
create or replace trigger _600_refuse_truncate before truncate on public.user_warehouse_access
for each statement execute function floorcast.refuse_truncate();

alter table public.user_warehouse_access
enable always trigger _600_keep_grants_insert,
enable always trigger _600_keep_grants_update,
enable always trigger _600_keep_grants_delete,
enable always trigger _600_refuse_truncate;
