-- depends: 0024_data_people_of_an_organization 0004_work_orders
-- From here on nobody is named, or given access, across organizations. Somebody who already has access in two of them makes this
-- fail: give him an account for each.

alter table public.users
add constraint a_user_is_in_one_organization unique (id, organization_id),
add constraint a_user_belongs_to_an_organization_that_exists
foreign key (organization_id) references public.organizations (id),
drop constraint a_user_starts_in_a_warehouse_that_exists,
add constraint a_user_starts_in_a_warehouse_of_his_organization
foreign key (warehouse_id, organization_id) references public.warehouses (id, organization_id),
add constraint a_user_who_starts_somewhere_has_an_organization
check (warehouse_id is null or organization_id is not null);

create index users_of_an_organization on public.users (organization_id);
comment on index public.users_of_an_organization is 'The people of an organization; the check when one is deleted.';
comment on index public.a_user_is_in_one_organization is
'What refers to a person and his organization together, so that the two can never disagree.';

alter table public.user_warehouse_access
alter column organization_id set not null,
drop constraint access_is_given_to_a_user,
drop constraint access_is_given_to_a_warehouse,
add constraint access_is_given_to_a_user_of_the_organization
foreign key (user_id, organization_id) references public.users (id, organization_id) on delete cascade,
add constraint access_is_given_to_a_warehouse_of_the_organization
foreign key (warehouse_id, organization_id) references public.warehouses (id, organization_id) on delete cascade;

alter table public.work_orders
drop constraint a_work_order_is_requested_by_a_user,
drop constraint a_work_order_is_verified_by_a_user,
add constraint a_work_order_is_requested_by_a_user_of_the_organization
foreign key (requested_by, organization_id) references public.users (id, organization_id),
add constraint a_work_order_is_verified_by_a_user_of_the_organization
foreign key (verified_by, organization_id) references public.users (id, organization_id);
