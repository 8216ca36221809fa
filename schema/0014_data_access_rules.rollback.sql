delete from floorcast.owner_rule;
delete from floorcast.column_rule;
delete from floorcast.table_rule;
