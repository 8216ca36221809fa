-- Fills in the organization and the number of a new work order: WO-<year>-<number within the organization>.
--
-- A number that the statement brings is kept (history keeps its own names). The digits grow past six where they must.
-- An organization that it brings is that of the warehouse: the foreign key says so too, but behind the numbers, so that somebody
-- could draw one of another organization, or ask which are taken there.
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
    _organization uuid;
    _digits text;
begin
    if new.warehouse_id is not null then
        perform floorcast.require_place(new.warehouse_id);
        select w.organization_id into _organization from public.warehouses as w where w.id = new.warehouse_id;
        if not found then
            raise foreign_key_violation using
                message = format('there is no warehouse %s to open a work order in', new.warehouse_id),
                hint = 'Give the id of a warehouse that exists.';
        end if;
        if new.organization_id <> _organization then
            raise foreign_key_violation using
                message = format(
                    'warehouse %s is not one of organization %s; nothing was changed', new.warehouse_id, new.organization_id
                ),
                hint = 'Leave organization_id out: it is that of the warehouse.',
                table = 'work_orders', schema = 'public',
                constraint = 'a_work_order_belongs_to_the_organization_of_its_warehouse';
        end if;
        new.organization_id := _organization;
    end if;

    if new.number is null and _organization is not null then
        _digits := nextval(floorcast.work_order_sequence(_organization))::text;
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
