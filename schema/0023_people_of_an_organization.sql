-- depends: 0002_organizations_and_people
-- People belong to an organization, as everything else does: else somebody of another customer could be given access, assigned or
-- named by whoever knows his id. In three steps: the columns here, their values in 0024, what holds from then on in 0025.

alter table public.users add column organization_id uuid;
comment on column public.users.organization_id is
'Whose person it is: of the warehouse that forms start with, or of the first one that he is given access to; null until then. Kept by _100_belong.';

alter table public.user_warehouse_access add column organization_id uuid;
comment on column public.user_warehouse_access.organization_id is 'Organization of person and warehouse. Filled by _100_belong.';
