-- depends: 0002_organizations_and_people 0010_change_trail
-- Who has which role in which warehouse, as gateways follow it: every change of access is a row change with a position.

create table floorcast.grants (
    user_id text not null,
    warehouse text not null,
    role text not null,
    primary key (user_id, warehouse)
);

comment on table floorcast.grants is
'Grants, kept from user_warehouse_access by triggers and tracked like any other table.';
comment on column floorcast.grants.user_id is 'sub of the person''s token.';
comment on column floorcast.grants.warehouse is 'As in floorcast.change.';
comment on column floorcast.grants.role is 'The person''s role there.';

insert into floorcast.grants (user_id, warehouse, role)
select
    user_id::text,
    warehouse_id::text,
    role
from public.user_warehouse_access;

grant select on floorcast.grants to floorcast_gateway;
