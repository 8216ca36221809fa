-- depends: 0023_people_of_an_organization
-- Whose people those are who are there already.

update public.user_warehouse_access as a
set organization_id = w.organization_id
from public.warehouses as w
where w.id = a.warehouse_id;

update public.users as u
set organization_id = w.organization_id
from public.warehouses as w
where w.id = u.warehouse_id;

update public.users as u
set organization_id = a.organization_id
from (
    select distinct on (user_id)
        user_id,
        organization_id
    from public.user_warehouse_access
    order by user_id, granted_at
) as a
where a.user_id = u.id and u.organization_id is null;
