-- depends: 0002_organizations_and_people 0003_equipment 0004_work_orders 0005_inventory 0010_change_trail
--
-- What the indexes of the first migrations are for, where a person with only the database finds it (`\di+`), and where
-- docs/schema.md is written from. Indexes behind keys say it by the name of their constraint. And what has changed about
-- people since 0002: hidden columns have made their records fit for the stream, and who left has no access.

comment on index public.warehouses_of_an_organization is
'The warehouses of an organization; and the check when an organization is deleted.';
comment on index public.an_email_is_used_by_one_user is
'One login per address, whatever its capitals; somebody who left frees the address.';
comment on index public.users_of_a_warehouse is 'The check when a warehouse is deleted.';
comment on index public.access_of_a_warehouse is 'Who is in a warehouse: colleagues, and what its managers administer.';
comment on index public.an_asset_tag_names_one_machine is
'A tag is painted on one machine of a warehouse; a retired machine frees it.';
comment on index public.equipment_board is
'The equipment board: all machines of a warehouse, by name. Without status, whose changes would then all touch the index.';
comment on index public.open_work_orders is
'The list on every board: what is open in a warehouse, the most pressing first. Partial, since most orders are done.';
comment on index public.newest_work_orders is 'Pages of all orders of a warehouse, the newest first.';
comment on index public.work_orders_of_a_machine is 'The history of a machine; and the cascade when the machine moves.';
comment on index public.assignments_of_a_user is 'The work of a person.';
comment on index public.newest_events_of_a_warehouse is 'What happened in a warehouse, the newest first.';
comment on index public.newest_events_of_a_work_order is
'The timeline of an order, the newest first; and the cascade when it moves or is deleted.';
comment on index public.a_part_number_names_one_item is
'One row per part and warehouse: else its stock would be two numbers. A retired row frees its number.';
comment on index public.stock_list is
'The list of stock, by name. Without quantity and reserved: each movement would then write every index.';
comment on index public.newest_transactions_of_an_item is 'The ledger of an item, the newest first.';
comment on index public.newest_transactions_of_a_warehouse is 'The movements of a warehouse, the newest first.';
comment on index public.transactions_of_a_work_order is
'The parts of an order. Partial, since most movements are for none.';
comment on index public.halves_of_a_transfer is
'The other half of a transfer. Partial, since most movements are not transfers.';
comment on index floorcast.change_by_warehouse is
'One warehouse''s changes in the order of the trail: resuming, and audit.';
comment on index floorcast.change_by_old_warehouse is 'What left a warehouse. Partial, since few rows move.';

comment on table public.users is
'People, and devices with a login of their own (kiosks, wall dashboards). Contact data is for themselves and for managers.';
comment on column public.users.email is 'Contact data, for the person, managers and admins; null for a device.';
comment on column public.users.profile_data is 'Contact data and preferences, for the person, managers and admins.';
comment on column public.users.deleted_at is 'When the person left; null while active. Who has left has no access, whatever it says elsewhere.';
