-- Makes the sequence of a new organization together with it, so that nobody ever waits for another to make it.
create or replace function floorcast.provide_work_order_sequence()
returns trigger
volatile
-- definer: it creates a sequence in schema floorcast, where whoever inserts organizations may create nothing.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    perform floorcast.work_order_sequence(n.id) from new_rows as n;
    return null;
end
$$;

comment on function floorcast.provide_work_order_sequence() is
'AFTER INSERT statement trigger of organizations: each gets the sequence that numbers its work orders.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.provide_work_order_sequence() from public;

create or replace trigger _600_provide_work_order_sequence after insert on public.organizations
referencing new table as new_rows
for each statement execute function floorcast.provide_work_order_sequence();
comment on trigger _600_provide_work_order_sequence on public.organizations is
'A new organization numbers its work orders from 1.';
