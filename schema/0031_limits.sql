-- depends: 0019_notifications
-- How much a row may hold, and when things may happen. A description of a hundred megabytes would be sent to every screen of the
-- warehouse, kept in the trail for ever, and be in each backup; a day called infinity is one that no client can show.
--
-- Long texts are measured in bytes, which are known without unpacking the value. JSON is measured as it is sent: 1e131071 is a few
-- bytes in a column and a hundred thousand in a frame. What triggers put together from others (the description of a
-- maintenance, a line of history) has room for all of it, with each character escaped if need be.
--
-- Names were counted without the spaces around them so far, of which there could be any number.

alter table public.organizations
add constraint the_name_of_an_organization_is_short check (length(name) <= 200),
add constraint the_settings_of_an_organization_are_no_archive check (octet_length(settings::text) <= 65536);

alter table public.warehouses
add constraint the_name_of_a_warehouse_is_short check (length(name) <= 200),
add constraint the_location_of_a_warehouse_is_a_line check (length(location) <= 500),
add constraint the_settings_of_a_warehouse_are_no_archive check (octet_length(settings::text) <= 65536);

alter table public.users
add constraint a_user_has_a_short_name check (length(display_name) <= 200),
add constraint a_user_has_a_short_address check (length(email) <= 320),
add constraint the_profile_of_a_user_is_no_archive check (octet_length(profile_data::text) <= 65536);

alter table public.equipment
add constraint the_name_of_a_machine_is_short check (length(name) <= 200),
add constraint what_is_painted_on_a_machine_is_short check (length(asset_tag) <= 200),
add constraint the_type_of_a_machine_is_short check (length(type) <= 200),
add constraint the_model_of_a_machine_is_short check (length(model) <= 200),
add constraint the_manufacturer_of_a_machine_is_short check (length(manufacturer) <= 200),
add constraint the_serial_number_of_a_machine_is_short check (length(serial_number) <= 200),
add constraint the_location_of_a_machine_is_a_line check (length(location) <= 500),
add constraint the_specifications_of_a_machine_are_no_archive check (octet_length(specifications::text) <= 65536),
add constraint a_machine_changed_its_status_on_a_day check (isfinite(status_changed_at));

alter table public.equipment_maintenance_history
add constraint a_line_of_history_is_no_archive check (octet_length(details::text) <= 1048576),
add constraint work_was_performed_on_a_day check (isfinite(performed_at));

alter table public.work_orders
add constraint the_title_of_a_work_order_is_a_line check (length(title) <= 500),
add constraint a_work_order_has_a_short_number check (length(btrim(number)) between 1 and 50 and length(number) <= 50),
add constraint the_description_of_a_work_order_is_no_book check (octet_length(description) <= 131072),
add constraint the_notes_on_a_work_order_are_no_book check (octet_length(completion_notes) <= 131072),
-- null and null is null, which a check lets pass: only what is given is looked at.
add constraint a_work_order_is_planned_and_due_on_days check (
    isfinite(scheduled_start) and isfinite(scheduled_end) and isfinite(due_at)
),
add constraint work_begins_and_ends_on_days check (isfinite(actual_start) and isfinite(actual_end)),
add constraint a_work_order_changed_its_status_on_a_day check (isfinite(status_changed_at) and isfinite(verified_at));

alter table public.work_order_attachments
add constraint the_name_of_a_file_is_short check (length(file_name) <= 255);

alter table public.work_order_timeline
add constraint an_event_is_no_archive check (octet_length(details::text) <= 131072),
add constraint an_event_happened_on_a_day check (isfinite("timestamp"));

alter table public.work_order_assignments
add constraint the_role_in_an_assignment_is_short check (length(role) <= 100),
add constraint an_assignment_is_made_on_a_day check (isfinite(assigned_at));

alter table public.inventory_items
add constraint the_name_of_an_item_is_short check (length(name) <= 200),
add constraint the_number_of_a_part_is_short check (length(part_number) <= 200),
add constraint the_category_of_a_part_is_short check (length(category) <= 200),
add constraint the_unit_of_a_part_is_short check (length(unit) <= 50),
add constraint the_specifications_of_an_item_are_no_archive check (octet_length(specifications::text) <= 65536);

alter table public.inventory_locations
add constraint the_name_of_a_location_is_short check (length(name) <= 200);

alter table public.inventory_transactions
add constraint the_reference_of_a_movement_is_a_line check (length(reference) <= 500),
add constraint the_reason_of_a_movement_is_short check (length(reason) <= 2000);

alter table public.maintenance_templates
add constraint the_name_of_a_template_is_short check (length(name) <= 200),
add constraint tasks_are_no_book check (octet_length(tasks::text) <= 32768),
add constraint parts_are_no_book check (octet_length(parts::text) <= 32768),
add constraint safety_notes_are_no_book check (octet_length(safety_notes) <= 16384);

alter table public.maintenance_schedules
add constraint blackouts_are_few check (pg_column_size(blackout) <= 65536);

alter table public.maintenance_history
add constraint the_results_of_a_maintenance_are_no_archive check (octet_length(results::text) <= 1048576);

alter table public.notifications
add constraint the_title_of_a_notification_is_a_line check (length(title) <= 500);
