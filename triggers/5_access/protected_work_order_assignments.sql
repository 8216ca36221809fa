-- Supervisors and above assign; a technician may take and hand on work. Who assigned, and when, stays as it was: who changes an
-- assignment does not become who made it, and makes it nobody else's.
select floorcast.protect(
    'public.work_order_assignments', server_columns => '{assigned_at}', fixed_columns => '{warehouse_id,actor}'
);

drop policy if exists in_ones_own_name on public.work_order_assignments;
create policy in_ones_own_name on public.work_order_assignments as restrictive for insert to authenticated
with check (actor = (select floorcast.actor()));
comment on policy in_ones_own_name on public.work_order_assignments is 'Nobody assigns in another''s name.';
