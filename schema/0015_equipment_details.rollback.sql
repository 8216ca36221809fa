drop table public.equipment_maintenance_history;
alter table public.work_orders drop constraint a_work_order_is_about_one_machine;
drop table public.equipment_hierarchy;
alter table public.equipment drop column meter_hours;
