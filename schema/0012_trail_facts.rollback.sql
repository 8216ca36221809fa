-- Takes request ids and the book of maintenance with it; changes that had a request id or a retired row lose their seal's proof.
drop table floorcast.maintenance cascade;
alter table floorcast.tracked drop column retired_column, drop column scope;
drop index floorcast.change_by_key;
alter table floorcast.change drop column old_retired, drop column retired, drop column request_id;
comment on column floorcast.tracked.warehouse_column is 'The column that names the warehouse; null when rows have none.';
comment on column floorcast.change.warehouse is
'Where the row is now (for a delete: was); null for a table without warehouses.';
