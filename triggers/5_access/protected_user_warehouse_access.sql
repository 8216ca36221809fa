-- Everybody sees his own access; managers and admins see and manage that of their warehouses.
select floorcast.protect('public.user_warehouse_access', server_columns => '{granted_at,organization_id}');

-- Only an admin makes, changes or removes an admin: else a manager could promote himself.
drop policy if exists admins_make_admins on public.user_warehouse_access;
create policy admins_make_admins on public.user_warehouse_access as restrictive for insert to authenticated
with check (
    role <> 'admin'
    or warehouse_id in (
        select m.warehouse_id from floorcast.my_access() as m
        where m.role = 'admin'
    )
);
comment on policy admins_make_admins on public.user_warehouse_access is 'Only an admin of the warehouse makes another one.';

drop policy if exists admins_change_admins on public.user_warehouse_access;
create policy admins_change_admins on public.user_warehouse_access as restrictive for update to authenticated
using (
    role <> 'admin'
    or warehouse_id in (
        select m.warehouse_id from floorcast.my_access() as m
        where m.role = 'admin'
    )
);
comment on policy admins_change_admins on public.user_warehouse_access is
'Only an admin of the warehouse changes an admin, or makes somebody one.';

drop policy if exists admins_remove_admins on public.user_warehouse_access;
create policy admins_remove_admins on public.user_warehouse_access as restrictive for delete to authenticated
using (
    role <> 'admin'
    or warehouse_id in (
        select m.warehouse_id from floorcast.my_access() as m
        where m.role = 'admin'
    )
);
comment on policy admins_remove_admins on public.user_warehouse_access is 'Only an admin of the warehouse dismisses an admin.';
