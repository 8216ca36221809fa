-- The timeline is read by everybody in the warehouse. People add what they say and spend, in their own name and at the time it
-- is; what happened to the order is written by triggers, and nobody rewrites any of it.
select floorcast.protect('public.work_order_timeline', server_columns => '{timestamp}');

drop policy if exists in_ones_own_name on public.work_order_timeline;
create policy in_ones_own_name on public.work_order_timeline as restrictive for insert to authenticated
with check (event_type in ('commented', 'time_logged') and actor = (select floorcast.actor()));
comment on policy in_ones_own_name on public.work_order_timeline is
'People add comments and times in their own name; history, attachments too, is written by triggers.';
