-- What became of it is written by triggers and the job, from what people say of the work orders.
select floorcast.protect('public.maintenance_history');
