-- Work orders are seen by everybody in the warehouse, opened by everybody but kiosks and viewers, worked on by those who do the
-- work and those who direct it. Taking one out of the lists is for admins: others cancel it. The organization never changes: who
-- could name another one would be told which numbers are taken there.
select floorcast.protect(
    'public.work_orders', server_columns => '{schedule_id,schedule_due}', fixed_columns => '{organization_id}'
);
