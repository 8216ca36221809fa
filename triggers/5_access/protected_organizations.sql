-- An organization is seen by whoever may be in one of its warehouses, and written by trusted servers.
select floorcast.protect('public.organizations', 'id', 'organization');
