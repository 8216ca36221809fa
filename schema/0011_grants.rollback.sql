-- Access itself stays in user_warehouse_access; this is only what gateways follow.
drop table floorcast.grants cascade;
