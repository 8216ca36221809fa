-- depends: 0014_data_access_rules
-- A slip of the finger on a meter is put right by who leads; who works there reads the meter again.

insert into floorcast.table_rule (table_name, action, roles) values
('equipment', 'correct_meter', array['supervisor', 'manager', 'admin']);
