-- When it is to be done is decided by those who lead, next_due among it. A schedule is for one machine for good: its history
-- is that machine's.
select floorcast.protect(
    'public.maintenance_schedules',
    server_columns => '{anchor,order_at,last_completed_at}',
    fixed_columns => '{warehouse_id,equipment_id}'
);
