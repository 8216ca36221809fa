delete from floorcast.table_rule
where table_name = 'work_orders' and action = 'verify';
