-- Keeps floorcast.grants what access is in effect: user_warehouse_access, of active people, in warehouses and organizations that
-- are in use. grants is tracked, so every change of access has a position.
-- Statement-level, so that a bulk import of people is one change of the trail per person and not per row and trigger.
-- Definer: whoever may manage access needs no right on grants itself.
create or replace function floorcast.keep_grants()
returns trigger
volatile
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    -- Null stands for: whatever.
    _users uuid[];
    _warehouses uuid[];
begin
    if tg_table_name = 'user_warehouse_access' then
        if tg_op = 'INSERT' then
            select array_agg(distinct r.user_id), array_agg(distinct r.warehouse_id)
            into _users, _warehouses
            from new_rows as r;
        elsif tg_op = 'DELETE' then
            select array_agg(distinct r.user_id), array_agg(distinct r.warehouse_id)
            into _users, _warehouses
            from old_rows as r;
        else
            select array_agg(distinct r.user_id), array_agg(distinct r.warehouse_id)
            into _users, _warehouses
            from (
                select o.user_id, o.warehouse_id from old_rows as o
                union all
                select n.user_id, n.warehouse_id from new_rows as n
            ) as r;
        end if;
    elsif tg_table_name = 'users' then
        -- Only what retires, restores or renames a row is about access: most changes are not.
        select array_agg(distinct r.id) into _users from (
            select d.id from (
                select o.id, o.deleted_at is null as active from old_rows as o
                except
                select n.id, n.deleted_at is null from new_rows as n
            ) as d
            union
            select d.id from (
                select n.id, n.deleted_at is null as active from new_rows as n
                except
                select o.id, o.deleted_at is null from old_rows as o
            ) as d
        ) as r;
    elsif tg_table_name = 'warehouses' then
        select array_agg(distinct r.id) into _warehouses from (
            select d.id from (
                select o.id, o.organization_id, o.deleted_at is null as active from old_rows as o
                except
                select n.id, n.organization_id, n.deleted_at is null from new_rows as n
            ) as d
            union
            select d.id from (
                select n.id, n.organization_id, n.deleted_at is null as active from new_rows as n
                except
                select o.id, o.organization_id, o.deleted_at is null from old_rows as o
            ) as d
        ) as r;
    else
        select array_agg(w.id)
        into _warehouses
        from public.warehouses as w
        where w.organization_id in (
            select d.id from (
                select n.id, n.deleted_at is null as active from new_rows as n
                except
                select o.id, o.deleted_at is null from old_rows as o
            ) as d
        );
    end if;
    if _users is null and _warehouses is null then
        return null;
    end if;
    if
        tg_table_name <> 'user_warehouse_access'
        and current_setting('transaction_isolation') not in ('read committed', 'read uncommitted')
    then
        raise feature_not_supported using
            message = 'people and places are retired at READ COMMITTED only: a stricter transaction does not see the access that '
            'others gave since it began, and it would go on; nothing was changed',
            hint = 'Do it in a transaction of its own: begin isolation level read committed.';
    end if;

    -- Somebody may be given access in one transaction while the place is retired in another; each would miss what the other has
    -- not committed yet, and a grant would stay that nothing stands for. So the one waits here for the other, and only then
    -- looks, with a new snapshot. (A stricter transaction that gives access fails here instead, which is as good.)
    perform a.user_id
    from public.user_warehouse_access as a
    inner join public.users as u on u.id = a.user_id
    inner join public.warehouses as w on w.id = a.warehouse_id
    inner join public.organizations as o on o.id = w.organization_id
    where
        (_users is null or a.user_id = any (_users))
        and (_warehouses is null or a.warehouse_id = any (_warehouses))
    for share;

    with due as (
        select a.user_id::text as user_id, a.warehouse_id::text as warehouse, a.role
        from public.user_warehouse_access as a
        inner join public.users as u on u.id = a.user_id and u.deleted_at is null
        inner join public.warehouses as w on w.id = a.warehouse_id and w.deleted_at is null
        inner join public.organizations as o on o.id = w.organization_id and o.deleted_at is null
        where
            (_users is null or a.user_id = any (_users))
            and (_warehouses is null or a.warehouse_id = any (_warehouses))
    ),
    withdrawn as (
        delete from floorcast.grants as g
        where
            (_users is null or g.user_id = any (_users::text[]))
            and (_warehouses is null or g.warehouse = any (_warehouses::text[]))
            and not exists (select from due as d where d.user_id = g.user_id and d.warehouse = g.warehouse)
    )
    insert into floorcast.grants as g (user_id, warehouse, role)
    select d.user_id, d.warehouse, d.role
    from due as d
    on conflict (user_id, warehouse) do update
        set role = excluded.role
        where g.role <> excluded.role;
    return null;
end;
$$;

comment on function floorcast.keep_grants() is 'Keeps floorcast.grants what access is in effect.';

revoke execute on function floorcast.keep_grants() from public;

create or replace trigger _600_keep_grants_insert after insert on public.user_warehouse_access
referencing new table as new_rows
for each statement execute function floorcast.keep_grants();
comment on trigger _600_keep_grants_insert on public.user_warehouse_access is 'Access given is a grant.';

create or replace trigger _600_keep_grants_update after update on public.user_warehouse_access
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.keep_grants();
comment on trigger _600_keep_grants_update on public.user_warehouse_access is 'A changed role is a changed grant.';

create or replace trigger _600_keep_grants_delete after delete on public.user_warehouse_access
referencing old table as old_rows
for each statement execute function floorcast.keep_grants();
comment on trigger _600_keep_grants_delete on public.user_warehouse_access is 'Access withdrawn is a grant that is gone.';

create or replace trigger _600_keep_grants after update on public.users
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.keep_grants();
comment on trigger _600_keep_grants on public.users is 'Who leaves loses his grants, and who comes back has them again.';

create or replace trigger _600_keep_grants after update on public.warehouses
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.keep_grants();
comment on trigger _600_keep_grants on public.warehouses is 'Nobody is in a retired warehouse.';

create or replace trigger _600_keep_grants after update on public.organizations
referencing old table as old_rows new table as new_rows
for each statement execute function floorcast.keep_grants();
comment on trigger _600_keep_grants on public.organizations is 'Nobody is in a warehouse of a retired organization.';

-- TRUNCATE gives triggers no rows: everybody would lose access by law and keep it by grant.
create or replace trigger _600_refuse_truncate before truncate on public.user_warehouse_access
for each statement execute function floorcast.refuse_truncate();
comment on trigger _600_refuse_truncate on public.user_warehouse_access is
'TRUNCATE gives triggers no rows: everybody would lose access by law and keep it by grant.';

alter table public.user_warehouse_access
enable always trigger _600_keep_grants_insert,
enable always trigger _600_keep_grants_update,
enable always trigger _600_keep_grants_delete,
enable always trigger _600_refuse_truncate;
alter table public.users enable always trigger _600_keep_grants;
alter table public.warehouses enable always trigger _600_keep_grants;
alter table public.organizations enable always trigger _600_keep_grants;
