-- depends: 0001_namespaces_and_roles
--
-- Who there is: organizations, their warehouses (a site: plant, depot, building), people, and who may be in which warehouse.
-- Row level security is switched on here and its policies are in triggers/5_access: between the two, nobody sees anything.

create table public.organizations (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    settings jsonb not null default '{}',
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,

    constraint an_organization_has_a_name check (length(btrim(name)) between 1 and 200),
    constraint the_settings_of_an_organization_are_an_object check (jsonb_typeof(settings) = 'object')
);

comment on table public.organizations is 'A customer: the outermost tenant. Nothing is shared between two of them.';
comment on column public.organizations.id is 'Key.';
comment on column public.organizations.name is 'What people call it.';
comment on column public.organizations.settings is 'Preferences of the application; Floorcast does not look inside.';
comment on column public.organizations.version is 'Counts the changes of this row: 1 when created. Kept by _100_touch.';
comment on column public.organizations.created_at is 'When the row was created.';
comment on column public.organizations.updated_at is 'When the row last changed. Kept by _100_touch.';
comment on column public.organizations.deleted_at is 'When it was retired; null while it is in use.';

create table public.warehouses (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    name text not null,
    location text,
    settings jsonb not null default '{}',
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,

    constraint a_warehouse_belongs_to_an_organization
    foreign key (organization_id) references public.organizations (id),
    constraint a_warehouse_has_a_name check (length(btrim(name)) between 1 and 200),
    constraint the_settings_of_a_warehouse_are_an_object check (jsonb_typeof(settings) = 'object'),
    -- What children that also name the organization refer to, so that the two can never disagree.
    constraint a_warehouse_is_in_one_organization unique (id, organization_id)
);

-- "The warehouses of this organization", and the check when an organization is deleted.
create index warehouses_of_an_organization on public.warehouses (organization_id);

comment on table public.warehouses is 'A site (plant, depot, building): the tenant that row level security isolates.';
comment on column public.warehouses.id is 'Key. The topic of its changes is warehouse:<id>.';
comment on column public.warehouses.organization_id is 'Whose site it is.';
comment on column public.warehouses.name is 'What people call it.';
comment on column public.warehouses.location is 'Where it is, in words; null when nobody said.';
comment on column public.warehouses.settings is 'Preferences of the application; Floorcast does not look inside.';
comment on column public.warehouses.version is 'Counts the changes of this row: 1 when created. Kept by _100_touch.';
comment on column public.warehouses.created_at is 'When the row was created.';
comment on column public.warehouses.updated_at is 'When the row last changed. Kept by _100_touch.';
comment on column public.warehouses.deleted_at is 'When it was retired; null while it is in use.';

create table public.users (
    id uuid primary key default gen_random_uuid(),
    warehouse_id uuid,
    role text not null default 'requester',
    display_name text,
    email text,
    profile_data jsonb not null default '{}',
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,

    constraint a_user_starts_in_a_warehouse_that_exists
    foreign key (warehouse_id) references public.warehouses (id),
    constraint a_user_has_a_known_role check (role in (
        'requester', 'technician', 'contractor', 'inventory_clerk', 'supervisor', 'manager', 'admin', 'kiosk', 'viewer'
    )),
    constraint the_profile_of_a_user_is_an_object check (jsonb_typeof(profile_data) = 'object')
);

-- One login per address, whatever its capitals; somebody who left frees the address.
create unique index an_email_is_used_by_one_user on public.users (lower(email)) where deleted_at is null;
-- The check when a warehouse is deleted.
create index users_of_a_warehouse on public.users (warehouse_id);

comment on table public.users is
'People, and devices with a login of their own (kiosks, wall dashboards). Holds contact data, so it is never streamed.';
comment on column public.users.id is 'Key: the `sub` of the person''s token, as auth.uid() returns it.';
comment on column public.users.warehouse_id is 'The warehouse that forms start with. Gives no access: that is user_warehouse_access.';
comment on column public.users.role is 'The role that forms start with. Gives no access: that is user_warehouse_access.';
comment on column public.users.display_name is 'How the person appears to colleagues; null until somebody fills it in.';
comment on column public.users.email is 'Contact data, for managers and admins; null for a device.';
comment on column public.users.profile_data is 'Contact data and preferences, for managers and admins.';
comment on column public.users.version is 'Counts the changes of this row: 1 when created. Kept by _100_touch.';
comment on column public.users.created_at is 'When the row was created.';
comment on column public.users.updated_at is 'When the row last changed. Kept by _100_touch.';
comment on column public.users.deleted_at is 'When the person left; null while active. Access ends by deleting user_warehouse_access rows.';

create table public.user_warehouse_access (
    user_id uuid not null,
    warehouse_id uuid not null,
    role text not null,
    granted_at timestamptz not null default now(),

    primary key (user_id, warehouse_id),
    constraint access_is_given_to_a_user
    foreign key (user_id) references public.users (id) on delete cascade,
    constraint access_is_given_to_a_warehouse
    foreign key (warehouse_id) references public.warehouses (id) on delete cascade,
    constraint access_is_given_in_a_known_role check (role in (
        'requester', 'technician', 'contractor', 'inventory_clerk', 'supervisor', 'manager', 'admin', 'kiosk', 'viewer'
    ))
);

-- "Who is in this warehouse?": colleagues, and what its managers administer.
create index access_of_a_warehouse on public.user_warehouse_access (warehouse_id, user_id);

comment on table public.user_warehouse_access is
'The law of access: who may be in which warehouse, and as what. No row, no access. A person may have a different role in each.';
comment on column public.user_warehouse_access.user_id is 'Who.';
comment on column public.user_warehouse_access.warehouse_id is 'Where.';
comment on column public.user_warehouse_access.role is 'As what: decides what the person may write there. kiosk and viewer only read.';
comment on column public.user_warehouse_access.granted_at is 'Since when.';

alter table public.organizations enable row level security;
alter table public.warehouses enable row level security;
alter table public.users enable row level security;
alter table public.user_warehouse_access enable row level security;
