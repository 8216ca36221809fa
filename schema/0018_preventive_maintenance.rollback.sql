-- Roles stay: they belong to the cluster, and other databases of it may use them.
revoke usage on schema floorcast from floorcast_maintain;

drop table public.maintenance_history;

drop index public.a_due_makes_one_work_order;
alter table public.work_orders
drop constraint an_order_of_a_schedule_is_on_its_machine,
drop constraint an_order_of_a_schedule_has_a_due_and_a_machine,
drop constraint the_due_of_a_schedule_is_a_time,
drop column schedule_due,
drop column schedule_id;

drop table public.maintenance_schedules;
drop table public.maintenance_templates;
