-- The tables of the CMMS whose changes are streamed. Each person is sent what the rules of access let him read of them.
select floorcast.track('public.organizations', 'id', scope => 'organization');
select floorcast.track('public.warehouses', 'id');
select floorcast.track('public.users', 'id', scope => 'person');
select floorcast.track('public.user_warehouse_access');
select floorcast.track('public.equipment');
select floorcast.track('public.equipment_hierarchy');
select floorcast.track('public.equipment_maintenance_history');
select floorcast.track('public.work_orders');
select floorcast.track('public.work_order_assignments');
select floorcast.track('public.work_order_timeline');
select floorcast.track('public.work_order_attachments');
select floorcast.track('public.inventory_locations');
select floorcast.track('public.inventory_items');
select floorcast.track('public.inventory_transactions');
select floorcast.track('public.maintenance_templates');
select floorcast.track('public.maintenance_schedules');
select floorcast.track('public.maintenance_history');
select floorcast.track('public.notifications');

-- Followed by gateways, sent to nobody.
select floorcast.track('floorcast.grants', 'warehouse');
select floorcast.track('floorcast.tracked', null);
select floorcast.track('floorcast.table_rule', null);
select floorcast.track('floorcast.column_rule', null);
select floorcast.track('floorcast.owner_rule', null);
select floorcast.track('floorcast.canary', null);

-- That the trail was opened is itself in the trail.
select floorcast.track('floorcast.maintenance', null);
