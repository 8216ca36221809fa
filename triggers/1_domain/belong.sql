-- Says whose person a user is, and under which organization access is given: that of the warehouse. Foreign keys over both hold it.
-- Somebody without an organization becomes one of that whose warehouse he is first given access to.
create or replace function floorcast.belong()
returns trigger
volatile
-- definer: it reads warehouses and writes users, both perhaps out of the writer's sight.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _organization uuid;
begin
    if tg_table_name = 'user_warehouse_access' then
        perform floorcast.require_place(new.warehouse_id);
    end if;
    select w.organization_id into _organization from public.warehouses as w where w.id = new.warehouse_id;
    if tg_table_name = 'users' then
        new.organization_id := coalesce(new.organization_id, _organization);
        return new;
    end if;

    new.organization_id := _organization;
    update public.users as u
    set organization_id = _organization
    where u.id = new.user_id and u.organization_id is null and _organization is not null;
    -- Said here, for the foreign key would tell apart who exists elsewhere and who does not exist.
    if _organization is null or not exists (
        select from public.users as u where u.id = new.user_id and u.organization_id = _organization
    ) then
        raise foreign_key_violation using
            message = 'access is given to a person of the organization, to one of its warehouses; nothing was changed',
            hint = 'Give the id of somebody in the organization of the warehouse, or have an account made there.',
            table = 'user_warehouse_access', schema = 'public',
            constraint = 'access_is_given_to_a_user_of_the_organization';
    end if;
    return new;
end
$$;

comment on function floorcast.belong() is
'BEFORE INSERT OR UPDATE row trigger of users and user_warehouse_access: the organization is that of the warehouse.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.belong() from public;

create or replace trigger _100_belong before insert or update of warehouse_id, organization_id on public.users
for each row execute function floorcast.belong();
comment on trigger _100_belong on public.users is 'A person is of the organization whose warehouse his forms start with.';

create or replace trigger _100_belong before insert or update of user_id, warehouse_id, organization_id
on public.user_warehouse_access
for each row execute function floorcast.belong();
comment on trigger _100_belong on public.user_warehouse_access is 'Access is given within an organization.';
