delete from floorcast.table_rule
where table_name = 'equipment' and action = 'correct_meter';
