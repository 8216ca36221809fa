-- Refuses a person who may not be in a warehouse, before a definer looks for anything there on his behalf: what it then says of
-- what it found or did not find would tell him what there is. Row level security refuses the row as well, but behind the triggers.
-- Called by BEFORE row triggers that are definers. It is about people only: jobs and servers are in no warehouse.
create or replace function floorcast.require_place(warehouse_id uuid)
returns void
stable
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    -- Not current_user: inside a definer that is the definer.
    _role constant text := coalesce(nullif(current_setting('role'), 'none'), session_user);
begin
    if
        pg_has_role(_role, 'authenticated', 'usage')
        and not floorcast.is_server()
        and not exists (select from floorcast.my_warehouses() as w (id) where w.id = require_place.warehouse_id)
    then
        raise insufficient_privilege using
            message = 'the row is for a warehouse that you may not be in, or that does not exist; nothing was changed',
            hint = 'Give the id of one of your warehouses.';
    end if;
end
$$;

comment on function floorcast.require_place(uuid) is
'Refuses a person who may not be in the warehouse; called by definers before they look for anything there.';

revoke execute on function floorcast.require_place(uuid) from public;
