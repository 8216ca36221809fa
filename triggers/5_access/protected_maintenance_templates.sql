-- What is to be done is written by those who lead. A template stays where it was written: schedules hold it there.
select floorcast.protect('public.maintenance_templates', fixed_columns => '{warehouse_id}');
