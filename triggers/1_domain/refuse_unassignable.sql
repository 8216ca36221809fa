-- Who is put on an order can do it: he has not left, and has access to the warehouse. Somebody else would be waited for in vain,
-- and would never see the order. This is for people; servers load who was put on orders years ago.
create or replace function floorcast.refuse_unassignable()
returns trigger
volatile
-- definer: the writer may not see who has access, and is told only whether this one has. That he may be in the warehouse, and
-- the other in its organization, is looked at before, by _100_refuse_outsiders.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    if not exists (
        select
        from public.user_warehouse_access as a
        inner join public.users as u on u.id = a.user_id
        where a.user_id = new.user_id and a.warehouse_id = new.warehouse_id and u.deleted_at is null
    ) then
        raise foreign_key_violation using
            message = format(
                'user %s has left or has no access to this warehouse, and was not put on the order', new.user_id
            ),
            hint = 'Put somebody on it who works in the warehouse, or have access given first.',
            table = 'work_order_assignments', schema = 'public', column = 'user_id';
    end if;
    return new;
end
$$;

comment on function floorcast.refuse_unassignable() is
'BEFORE INSERT OR UPDATE row trigger of work_order_assignments: people assign nobody who left or has no access to the warehouse.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.refuse_unassignable() from public;

-- Its name comes behind _100_inherit_warehouse and _100_refuse_outsiders. The condition is as in check_parents.
create or replace trigger _100_refuse_unassignable before insert or update of user_id on public.work_order_assignments
for each row when (not pg_has_role(current_user, 'service_role', 'usage'))
execute function floorcast.refuse_unassignable();
comment on trigger _100_refuse_unassignable on public.work_order_assignments is
'Nobody is put on an order who left, or who has no access to its warehouse.';
