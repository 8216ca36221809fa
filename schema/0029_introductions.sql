-- depends: 0002_organizations_and_people
-- A person who comes into a warehouse becomes visible to those who are there, although nothing of him changed. This column makes
-- it a change of his record, so that they are told like of any other.

alter table public.users add column introduced_at timestamptz;
comment on column public.users.introduced_at is
'When he last came into a warehouse, which tells those who are there who he is; null for who never did. Kept by _600_introduce.';
