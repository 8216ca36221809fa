alter table public.work_orders
drop constraint a_work_order_is_requested_by_a_user_of_the_organization,
drop constraint a_work_order_is_verified_by_a_user_of_the_organization,
add constraint a_work_order_is_requested_by_a_user
foreign key (requested_by) references public.users (id),
add constraint a_work_order_is_verified_by_a_user
foreign key (verified_by) references public.users (id);

alter table public.user_warehouse_access
alter column organization_id drop not null,
drop constraint access_is_given_to_a_user_of_the_organization,
drop constraint access_is_given_to_a_warehouse_of_the_organization,
add constraint access_is_given_to_a_user
foreign key (user_id) references public.users (id) on delete cascade,
add constraint access_is_given_to_a_warehouse
foreign key (warehouse_id) references public.warehouses (id) on delete cascade;

drop index public.users_of_an_organization;
alter table public.users
drop constraint a_user_who_starts_somewhere_has_an_organization,
drop constraint a_user_starts_in_a_warehouse_of_his_organization,
add constraint a_user_starts_in_a_warehouse_that_exists
foreign key (warehouse_id) references public.warehouses (id),
drop constraint a_user_belongs_to_an_organization_that_exists,
drop constraint a_user_is_in_one_organization;
