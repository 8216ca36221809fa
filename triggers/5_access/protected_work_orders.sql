-- Work orders are seen by everybody in the warehouse, opened by everybody but kiosks and viewers, worked on by those who do the
-- work and those who direct it. Taking one out of the lists is for admins: others cancel it. The organization never changes: who
-- could name another one would be told which numbers are taken there.
--
-- Numbers are drawn for people (1_domain/number_work_order.sql) and brought by servers only: who took the next ones beforehand
-- would keep everybody else of the organization from opening orders.
--
-- Who verified it, when, and since when it has its status follow from the status, and are nobody's to write: a signature that
-- anybody could set would prove nothing.
select floorcast.protect(
    'public.work_orders',
    server_columns => '{number,schedule_id,schedule_due,status_changed_at,verified_by,verified_at}',
    fixed_columns => '{organization_id,requested_by}'
);

drop policy if exists in_ones_own_name on public.work_orders;
create policy in_ones_own_name on public.work_orders as restrictive for insert to authenticated
with check (requested_by = (select floorcast.my_id()));
comment on policy in_ones_own_name on public.work_orders is 'Nobody asks for work in another''s name.';
