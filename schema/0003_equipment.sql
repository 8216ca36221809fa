-- depends: 0002_organizations_and_people
--
-- The machines of a warehouse. A machine may move to another warehouse, and its work orders move with it (see 0004).

create table public.equipment (
    id uuid primary key default gen_random_uuid(),
    warehouse_id uuid not null,
    asset_tag text,
    name text not null,
    type text not null default 'machine',
    model text,
    manufacturer text,
    serial_number text,
    location text,
    criticality text not null default 'medium',
    status text not null default 'operational',
    previous_status text,
    status_changed_at timestamptz not null default now(),
    specifications jsonb not null default '{}',
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,

    constraint a_machine_stands_in_a_warehouse
    foreign key (warehouse_id) references public.warehouses (id),
    constraint a_machine_has_a_name check (length(btrim(name)) between 1 and 200),
    constraint a_machine_has_a_known_criticality check (criticality in ('low', 'medium', 'high', 'critical')),
    constraint a_machine_has_a_known_status check (
        status in ('operational', 'degraded', 'down', 'in_maintenance', 'standby', 'retired')
    ),
    constraint a_machine_had_a_known_status_before check (
        previous_status in ('operational', 'degraded', 'down', 'in_maintenance', 'standby', 'retired')
    ),
    constraint the_specifications_of_a_machine_are_an_object check (jsonb_typeof(specifications) = 'object'),
    -- What children that carry the warehouse refer to, so that child and machine are always in the same one.
    constraint a_machine_is_in_one_warehouse unique (id, warehouse_id)
) with (fillfactor = 90); -- Status changes are frequent: room on the page keeps their new version there, off the indexes.

-- A tag is painted on one machine of the site. A retired row frees its tag for the replacement.
create unique index an_asset_tag_names_one_machine on public.equipment (warehouse_id, asset_tag)
where deleted_at is null;
-- The equipment board: all machines of a warehouse, by name. Without status, whose changes would then all touch the index.
create index equipment_board on public.equipment (warehouse_id, name) where deleted_at is null;

comment on table public.equipment is 'A machine or another asset that is maintained.';
comment on column public.equipment.id is 'Key.';
comment on column public.equipment.warehouse_id is 'Where it stands. Changing it moves the machine, its work orders and their children.';
comment on column public.equipment.asset_tag is 'What is painted on it; null while it has no tag.';
comment on column public.equipment.name is 'What people call it.';
comment on column public.equipment.type is 'Kind of machine, in the site''s own words.';
comment on column public.equipment.model is 'Maker''s model; null when unknown.';
comment on column public.equipment.manufacturer is 'Maker; null when unknown.';
comment on column public.equipment.serial_number is 'Maker''s serial number; null when unknown.';
comment on column public.equipment.location is 'Where in the warehouse, in words; null when nobody said.';
comment on column public.equipment.criticality is 'How much it hurts when it stands: low, medium, high, critical.';
comment on column public.equipment.status is 'operational, degraded, down, in_maintenance, standby or retired.';
comment on column public.equipment.previous_status is 'The status before this one; null until it first changes. Kept by _100_stamp_status.';
comment on column public.equipment.status_changed_at is 'Since when it has this status. Kept by _100_stamp_status.';
comment on column public.equipment.specifications is 'Technical data; Floorcast does not look inside.';
comment on column public.equipment.version is 'Counts the changes of this row: 1 when created. Kept by _100_touch.';
comment on column public.equipment.created_at is 'When the row was created.';
comment on column public.equipment.updated_at is 'When the row last changed. Kept by _100_touch.';
comment on column public.equipment.deleted_at is 'When it was removed from the books; null while it is in use.';

alter table public.equipment enable row level security;
