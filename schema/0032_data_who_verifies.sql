-- depends: 0014_data_access_rules
-- Who does the work does not also say that it was done well.

insert into floorcast.table_rule (table_name, action, roles) values
('work_orders', 'verify', array['supervisor', 'manager', 'admin']);
