-- Fills in the organization and the number of a new work order: WO-<year>-<number within the organization>.
--
-- A number that the statement brings is kept (history keeps its own names). The digits grow past six where they must.
create or replace function floorcast.number_work_order()
returns trigger
volatile
-- definer: it draws from a sequence and reads a warehouse, both perhaps out of the writer's sight. Row level security
-- judges the finished row afterwards.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _digits text;
begin
    if new.organization_id is null and new.warehouse_id is not null then
        select w.organization_id into new.organization_id from public.warehouses as w where w.id = new.warehouse_id;
        if not found then
            raise foreign_key_violation using
                message = format('there is no warehouse %s to open a work order in', new.warehouse_id),
                hint = 'Give the id of a warehouse that exists.';
        end if;
    end if;

    if new.number is null and new.organization_id is not null then
        _digits := nextval(floorcast.work_order_sequence(new.organization_id))::text;
        new.number := format(
            'WO-%s-%s',
            to_char(new.created_at at time zone 'UTC', 'YYYY'),
            lpad(_digits, greatest(6, length(_digits)), '0')
        );
    end if;
    return new;
end
$$;

comment on function floorcast.number_work_order() is
'BEFORE INSERT row trigger of work_orders: organization of the warehouse, and the next number of that organization.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.number_work_order() from public;

create or replace trigger _100_number before insert on public.work_orders
for each row execute function floorcast.number_work_order();
comment on trigger _100_number on public.work_orders is 'Organization and number, unless given.';
