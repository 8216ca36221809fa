alter table public.inventory_items drop column location_id;
drop table public.inventory_locations;
