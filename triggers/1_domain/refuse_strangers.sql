-- A notification is for somebody who has access to its warehouse when it is written: a server that gets the person wrong would
-- otherwise tell one customer of another, as soon as that person is given access, or never.
create or replace function floorcast.refuse_strangers()
returns trigger
volatile
-- definer: whoever writes it may not see who has access.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _stranger record;
begin
    select n.user_id, n.warehouse_id
    into _stranger
    from (
        select n.user_id, n.warehouse_id from new_rows as n
        except
        select a.user_id, a.warehouse_id
        from public.user_warehouse_access as a
        where a.user_id in (select n.user_id from new_rows as n)
    ) as n
    limit 1;
    if found then
        raise foreign_key_violation using
            message = format(
                'user %s has no access to warehouse %s and cannot be told what happens there',
                _stranger.user_id, _stranger.warehouse_id
            ),
            hint = 'Nothing of this statement was written. Tell people of the warehouse, or give access first.',
            table = 'notifications', schema = 'public', constraint = 'a_notification_is_for_somebody_of_its_warehouse';
    end if;
    return null;
end
$$;

comment on function floorcast.refuse_strangers() is
'AFTER INSERT statement trigger of notifications: refuses one for somebody who has no access to its warehouse.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.refuse_strangers() from public;

create or replace trigger _600_refuse_strangers after insert on public.notifications
referencing new table as new_rows
for each statement execute function floorcast.refuse_strangers();
comment on trigger _600_refuse_strangers on public.notifications is
'A notification is for somebody who has access to its warehouse.';
