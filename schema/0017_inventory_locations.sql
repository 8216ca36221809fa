-- depends: 0005_inventory
--
-- Where stock lies. What a location holds is the sum of the items that lie there, kept by triggers as they change.

create table public.inventory_locations (
    id uuid primary key default gen_random_uuid(),
    warehouse_id uuid not null,
    name text not null,
    capacity numeric(14, 3),
    current_usage numeric(14, 3) not null default 0,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,

    constraint a_location_is_in_a_warehouse
    foreign key (warehouse_id) references public.warehouses (id),
    constraint a_location_has_a_name check (length(btrim(name)) between 1 and 200),
    -- The upper bounds are there for NaN, which numeric accepts, counts as greater than everything, and no JSON can carry.
    constraint the_capacity_of_a_location_is_not_negative check (capacity between 0 and 1e11),
    constraint what_lies_in_a_location_is_not_less_than_nothing check (current_usage between 0 and 1e11),
    constraint what_lies_in_a_location_fits check (current_usage <= capacity),
    -- What items refer to, so that nothing lies in another warehouse than it belongs to.
    constraint a_location_is_in_one_warehouse unique (id, warehouse_id)
) with (fillfactor = 80); -- Written with every stock change of what lies there: room on the page keeps it off the indexes.

-- A label on a shelf names one place. A retired row frees its name.
create unique index a_name_is_of_one_location on public.inventory_locations (warehouse_id, name)
where deleted_at is null;
comment on index public.a_name_is_of_one_location is
'A label on a shelf names one place of its warehouse, and the list of them by name. A retired row frees its name.';

comment on table public.inventory_locations is 'A place where stock lies: a bin, a shelf, a tank.';
comment on column public.inventory_locations.id is 'Key.';
comment on column public.inventory_locations.warehouse_id is 'Where it is.';
comment on column public.inventory_locations.name is 'What its label says.';
comment on column public.inventory_locations.capacity is 'How much fits, in the units of what lies there, added up; null when nobody limits it.';
comment on column public.inventory_locations.current_usage is
'Sum of quantity of the items that lie there, retired ones left out. Kept by _600_keep_usage on inventory_items, and nobody''s to write.';
comment on column public.inventory_locations.version is 'Counts the changes of this row: 1 when created. Kept by _100_touch.';
comment on column public.inventory_locations.created_at is 'When the row was created.';
comment on column public.inventory_locations.updated_at is 'When the row last changed. Kept by _100_touch.';
comment on column public.inventory_locations.deleted_at is 'When it was taken out of use; null while it is in use. Only when nothing lies there.';

alter table public.inventory_locations enable row level security;

alter table public.inventory_items
add column location_id uuid,
add constraint an_item_lies_in_a_location_of_its_warehouse
foreign key (location_id, warehouse_id) references public.inventory_locations (id, warehouse_id);

-- What lies in a location. Without quantity, as the head of 0005 says of every index here.
create index items_of_a_location on public.inventory_items (location_id) where location_id is not null;
comment on index public.items_of_a_location is 'What lies in a location; and the check when it is deleted.';

comment on column public.inventory_items.location_id is 'Where in the warehouse it lies; null when it has no place of its own.';
