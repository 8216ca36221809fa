-- A warehouse is seen by whoever may be in it. Its managers rename it and set it up; opening and closing sites is for servers,
-- and so is giving one to another organization.
select floorcast.protect('public.warehouses', 'id', fixed_columns => '{organization_id}');
