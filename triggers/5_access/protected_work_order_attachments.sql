-- Attachments are seen by everybody in the warehouse and added by everybody but devices, in their own name. Who works on the
-- order takes one away again. What is attached stays as it is: no rule lets people update.
select floorcast.protect('public.work_order_attachments');

drop policy if exists in_ones_own_name on public.work_order_attachments;
create policy in_ones_own_name on public.work_order_attachments as restrictive for insert to authenticated
with check (actor = (select floorcast.actor()));
comment on policy in_ones_own_name on public.work_order_attachments is 'Nobody attaches in another''s name.';
