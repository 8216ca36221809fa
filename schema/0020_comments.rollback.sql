comment on column public.users.deleted_at is
'When the person left; null while active. Access ends by deleting user_warehouse_access rows.';
comment on column public.users.profile_data is 'Contact data and preferences, for managers and admins.';
comment on column public.users.email is 'Contact data, for managers and admins; null for a device.';
comment on table public.users is
'People, and devices with a login of their own (kiosks, wall dashboards). Holds contact data, so it is never streamed.';

comment on index floorcast.change_by_old_warehouse is null;
comment on index floorcast.change_by_warehouse is null;
comment on index public.halves_of_a_transfer is null;
comment on index public.transactions_of_a_work_order is null;
comment on index public.newest_transactions_of_a_warehouse is null;
comment on index public.newest_transactions_of_an_item is null;
comment on index public.stock_list is null;
comment on index public.a_part_number_names_one_item is null;
comment on index public.newest_events_of_a_work_order is null;
comment on index public.newest_events_of_a_warehouse is null;
comment on index public.assignments_of_a_user is null;
comment on index public.work_orders_of_a_machine is null;
comment on index public.newest_work_orders is null;
comment on index public.open_work_orders is null;
comment on index public.equipment_board is null;
comment on index public.an_asset_tag_names_one_machine is null;
comment on index public.access_of_a_warehouse is null;
comment on index public.users_of_a_warehouse is null;
comment on index public.an_email_is_used_by_one_user is null;
comment on index public.warehouses_of_an_organization is null;
