-- depends: 0002_organizations_and_people 0010_change_trail
-- Rules of access as rows: which roles may do what with a table, which columns only some of them see, and which rows belong to
-- the person they name. The policies read them in SQL and the gateways in memory, so that neither can say otherwise than the
-- other; adding a rule is an insert.

-- The policies that named roles themselves go, or they would go on allowing what a rule forbids. Until triggers/ is applied,
-- which the same run does, people see nothing.
do $$
declare
    _policy record;
begin
    for _policy in
        select p.polname, p.polrelid::regclass as relation
        from pg_catalog.pg_policy as p
        join pg_catalog.pg_class as c on c.oid = p.polrelid
        where c.relnamespace = 'public'::regnamespace and p.polname = any(array[
            'admins_delete', 'admins_manage', 'clerks_insert', 'clerks_update', 'colleagues_read', 'managers_delete',
            'managers_insert', 'managers_manage_all_but_admins', 'managers_read', 'managers_update', 'members_read',
            'people_add_theirs', 'people_insert', 'people_read_their_own', 'servers_do_all', 'users_of_parts_insert',
            'workers_delete', 'workers_insert', 'workers_update'
        ])
    loop
        execute format('drop policy %I on %s', _policy.polname, _policy.relation);
    end loop;
end
$$;

drop function if exists floorcast.my_colleagues();
drop function if exists floorcast.my_organizations();
drop function if exists floorcast.my_warehouses_as(text[]);

-- The owner of the views through which people read. It is not the tables' owner, so that row level security judges what the
-- views read, and it cannot log in. See 0001 about two databases that migrate at the same moment.
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'floorcast_viewer') then
        begin
            create role floorcast_viewer nologin noinherit;
        exception when duplicate_object or unique_violation then
            null;
        end;
    end if;

    -- To give a view to a role one must be a member of it; a superuser need not be.
    if not (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user) then
        execute format('grant floorcast_viewer to %I', current_user);
    end if;
end
$$;

create schema visible;
comment on schema visible is
'Each table of the CMMS as the caller may see it: rows by row level security, null in columns that are not for his role.';

grant usage on schema visible to authenticated, service_role;
grant usage, create on schema visible to floorcast_viewer;
grant usage on schema public, floorcast to floorcast_viewer;

create table floorcast.table_rule (
    table_name text not null,
    action text not null,
    roles text[] not null,

    primary key (table_name, action),
    constraint a_rule_is_about_an_action check (action ~ '^[a-z_]{1,40}$'),
    constraint a_table_rule_names_known_roles check (roles <@ array[
        'requester', 'technician', 'contractor', 'inventory_clerk', 'supervisor', 'manager', 'admin', 'kiosk', 'viewer'
    ])
);

comment on table floorcast.table_rule is 'Which roles may do what with the rows of a table, in their warehouses. No row: servers only.';
comment on column floorcast.table_rule.table_name is 'The table, as in floorcast.tracked.';
comment on column floorcast.table_rule.action is
'select, insert, update, delete (for an entity: retire and restore), or one that a policy or a trigger names: adjust, reopen.';
comment on column floorcast.table_rule.roles is 'Roles of user_warehouse_access.';

create table floorcast.column_rule (
    table_name text not null,
    column_name text not null,
    roles text[] not null,

    primary key (table_name, column_name),
    constraint a_column_rule_names_known_roles check (roles <@ array[
        'requester', 'technician', 'contractor', 'inventory_clerk', 'supervisor', 'manager', 'admin', 'kiosk', 'viewer'
    ])
);

comment on table floorcast.column_rule is 'Columns that only some roles see; others read null. A column without a row is for all who see the row.';
comment on column floorcast.column_rule.table_name is 'The table, as in floorcast.tracked.';
comment on column floorcast.column_rule.column_name is 'The column; never one of the primary key.';
comment on column floorcast.column_rule.roles is 'Roles of user_warehouse_access that see it.';

create table floorcast.owner_rule (
    table_name text primary key,
    column_name text not null,
    actions text[] not null default '{select}',

    constraint an_owner_may_select_and_update check (
        actions <@ array['select', 'update'] and 'select' = any(actions)
    )
);

comment on table floorcast.owner_rule is
'Tables whose rows are for the person they name: he sees them whole, whatever his role, while he has access to their warehouse.';
comment on column floorcast.owner_rule.table_name is 'The table, as in floorcast.tracked.';
comment on column floorcast.owner_rule.column_name is 'The column that holds his users.id; it never changes in a row.';
comment on column floorcast.owner_rule.actions is 'What he may do with them: select, or also update.';

create table floorcast.protected (
    table_name text primary key,
    relation regclass not null unique,
    place_column text not null,
    scope text not null,
    server_columns text[] not null,
    fixed_columns text[] not null,

    constraint a_protected_table_has_a_known_scope check (scope in ('warehouse', 'organization', 'person'))
);

comment on table floorcast.protected is 'Tables under the rules of access; written by floorcast.protect().';
comment on column floorcast.protected.table_name is 'As in floorcast.tracked.';
comment on column floorcast.protected.relation is 'The table itself.';
comment on column floorcast.protected.place_column is 'The column that says where a row is seen.';
comment on column floorcast.protected.scope is
'What that column names: a warehouse; an organization, in all of whose warehouses the row is seen; or a person, in all of whose.';
comment on column floorcast.protected.server_columns is 'Columns that people never write.';
comment on column floorcast.protected.fixed_columns is 'Columns that people give when they insert, and never change.';

grant select on floorcast.table_rule, floorcast.column_rule, floorcast.owner_rule, floorcast.protected
to floorcast_relay, floorcast_gateway;
