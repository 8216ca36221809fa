-- depends: 0013_access_rules
-- The rules that MaintAInPro begins with. Tables of later migrations are among them: a rule names a table, it does not need it.

insert into floorcast.table_rule (table_name, action, roles)
select
    readable.table_name,
    'select',
    array[
        'requester', 'technician', 'contractor', 'inventory_clerk', 'supervisor', 'manager', 'admin', 'kiosk', 'viewer'
    ]
from unnest(array[
    'organizations', 'warehouses', 'users',
    'equipment', 'equipment_hierarchy', 'equipment_maintenance_history',
    'work_orders', 'work_order_assignments', 'work_order_timeline', 'work_order_attachments',
    'inventory_items', 'inventory_transactions', 'inventory_locations',
    'maintenance_templates', 'maintenance_schedules', 'maintenance_history'
]) as readable (table_name);

-- Who administers a warehouse.
insert into floorcast.table_rule (table_name, action, roles) values
('warehouses', 'update', array['manager', 'admin']),
('user_warehouse_access', 'select', array['manager', 'admin']),
('user_warehouse_access', 'insert', array['manager', 'admin']),
('user_warehouse_access', 'update', array['manager', 'admin']),
('user_warehouse_access', 'delete', array['manager', 'admin']);

-- Machines: who works on them sets their status, who leads adds them, managers take them out of the books.
insert into floorcast.table_rule (table_name, action, roles) values
('equipment', 'insert', array['supervisor', 'manager', 'admin']),
('equipment', 'update', array['technician', 'contractor', 'supervisor', 'manager', 'admin']),
('equipment', 'delete', array['manager', 'admin']),
('equipment_hierarchy', 'insert', array['supervisor', 'manager', 'admin']),
('equipment_hierarchy', 'update', array['supervisor', 'manager', 'admin']),
('equipment_hierarchy', 'delete', array['supervisor', 'manager', 'admin']),
('equipment_maintenance_history', 'insert', array['technician', 'contractor', 'supervisor', 'manager', 'admin']);

-- Work orders: opened by everybody but devices, worked on by those who do the work and those who direct it.
insert into floorcast.table_rule (table_name, action, roles) values
(
    'work_orders', 'insert',
    array['requester', 'technician', 'contractor', 'inventory_clerk', 'supervisor', 'manager', 'admin']
),
('work_orders', 'update', array['technician', 'contractor', 'supervisor', 'manager', 'admin']),
('work_orders', 'delete', array['admin']),
('work_orders', 'reopen', array['supervisor', 'manager', 'admin']),
('work_order_assignments', 'insert', array['technician', 'supervisor', 'manager', 'admin']),
('work_order_assignments', 'update', array['technician', 'supervisor', 'manager', 'admin']),
('work_order_assignments', 'delete', array['technician', 'supervisor', 'manager', 'admin']),
(
    'work_order_timeline', 'insert',
    array['requester', 'technician', 'contractor', 'inventory_clerk', 'supervisor', 'manager', 'admin']
),
(
    'work_order_attachments', 'insert',
    array['requester', 'technician', 'contractor', 'inventory_clerk', 'supervisor', 'manager', 'admin']
),
('work_order_attachments', 'delete', array['technician', 'contractor', 'supervisor', 'manager', 'admin']);

-- Stock: moved by who handles parts, counted and kept by clerks and above. Who uses parts does not also count them.
insert into floorcast.table_rule (table_name, action, roles) values
('inventory_items', 'insert', array['inventory_clerk', 'supervisor', 'manager', 'admin']),
('inventory_items', 'update', array['inventory_clerk', 'supervisor', 'manager', 'admin']),
('inventory_items', 'delete', array['manager', 'admin']),
(
    'inventory_transactions', 'insert',
    array['technician', 'contractor', 'inventory_clerk', 'supervisor', 'manager', 'admin']
),
('inventory_transactions', 'adjust', array['inventory_clerk', 'supervisor', 'manager', 'admin']),
('inventory_locations', 'insert', array['inventory_clerk', 'supervisor', 'manager', 'admin']),
('inventory_locations', 'update', array['inventory_clerk', 'supervisor', 'manager', 'admin']),
('inventory_locations', 'delete', array['manager', 'admin']);

-- Preventive maintenance is planned by those who lead.
insert into floorcast.table_rule (table_name, action, roles) values
('maintenance_templates', 'insert', array['supervisor', 'manager', 'admin']),
('maintenance_templates', 'update', array['supervisor', 'manager', 'admin']),
('maintenance_templates', 'delete', array['manager', 'admin']),
('maintenance_schedules', 'insert', array['supervisor', 'manager', 'admin']),
('maintenance_schedules', 'update', array['supervisor', 'manager', 'admin']),
('maintenance_schedules', 'delete', array['manager', 'admin']);

-- Costs and people's contact data are for managers and admins.
insert into floorcast.column_rule (table_name, column_name, roles) values
('work_orders', 'estimated_cost', array['manager', 'admin']),
('work_orders', 'actual_cost', array['manager', 'admin']),
('inventory_items', 'unit_cost', array['manager', 'admin']),
('inventory_transactions', 'unit_cost', array['manager', 'admin']),
('equipment_maintenance_history', 'cost', array['manager', 'admin']),
('users', 'email', array['manager', 'admin']),
('users', 'profile_data', array['manager', 'admin']);

insert into floorcast.owner_rule (table_name, column_name, actions) values
('users', 'id', array['select']),
('user_warehouse_access', 'user_id', array['select']),
('notifications', 'user_id', array['select', 'update']);
