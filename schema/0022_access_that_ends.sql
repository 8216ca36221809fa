-- depends: 0002_organizations_and_people
--
-- Access that ends by itself: a contractor's, a holiday replacement's. What ends it is a job that writes
-- (floorcast.end_expired_access): every change of access is then a row change with a position, which gateways follow.
-- A time that policies compared with the clock would end access in queries and leave it open in the stream.

alter table public.user_warehouse_access
add column ends_at timestamptz,
-- Infinity would be a second way to say "open end", and JSON has no word for it.
add constraint access_ends_at_a_time check (isfinite(ends_at));

comment on column public.user_warehouse_access.ends_at is
'When it ends by itself; null: open end. The row is deleted within a minute or so after (floorcast maintain).';

create index access_that_ends on public.user_warehouse_access (ends_at) where ends_at is not null;

comment on index public.access_that_ends is 'What the job asks at every run: whose access has come to its end.';
