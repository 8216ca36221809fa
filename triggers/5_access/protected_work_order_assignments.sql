-- Supervisors and above assign; a technician may take and hand on work.
select floorcast.protect('public.work_order_assignments');

drop policy if exists in_ones_own_name on public.work_order_assignments;
create policy in_ones_own_name on public.work_order_assignments as restrictive for insert to authenticated
with check (actor = (select floorcast.actor()));
comment on policy in_ones_own_name on public.work_order_assignments is 'Nobody assigns in another''s name.';
