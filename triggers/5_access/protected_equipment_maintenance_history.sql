-- What was done to a machine is read by everybody in the warehouse, its cost by managers. Completed orders write themselves in;
-- who works there adds what he did without one. Nobody rewrites any of it: no rule lets people update or delete.
select floorcast.protect('public.equipment_maintenance_history');

drop policy if exists in_ones_own_name on public.equipment_maintenance_history;
create policy in_ones_own_name on public.equipment_maintenance_history as restrictive for insert to authenticated
with check (actor = (select floorcast.actor()));
comment on policy in_ones_own_name on public.equipment_maintenance_history is
'Nobody writes another''s work into the history.';
