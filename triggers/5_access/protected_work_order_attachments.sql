-- Attachments are seen by everybody in the warehouse and added by everybody but devices, in their own name. Who works on the
-- order takes one away again. What is attached stays as it is: no rule lets people update.
select floorcast.protect('public.work_order_attachments');

drop policy if exists in_ones_own_name on public.work_order_attachments;
create policy in_ones_own_name on public.work_order_attachments as restrictive for insert to authenticated
with check (actor = (select floorcast.actor()));
comment on policy in_ones_own_name on public.work_order_attachments is 'Nobody attaches in another''s name.';

-- Paths are unique, of all warehouses together: whoever could take any would learn which are taken elsewhere, and take them first.
drop policy if exists in_the_folder_of_the_warehouse on public.work_order_attachments;
create policy in_the_folder_of_the_warehouse on public.work_order_attachments as restrictive for insert to authenticated
with check (warehouse_id::text in (split_part(storage_path, '/', 1), split_part(storage_path, '/', 2)));
comment on policy in_the_folder_of_the_warehouse on public.work_order_attachments is
'People attach files out of <warehouse>/ or <bucket>/<warehouse>/. An attachment that moves with its order keeps its path.';
