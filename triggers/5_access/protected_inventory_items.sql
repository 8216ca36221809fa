-- Stock is seen by everybody in the warehouse. Clerks and above keep the list of items. quantity and reserved are nobody's to
-- write: they are moved by transactions only, so that each piece that is gone has a line that says where.
select floorcast.protect(
    'public.inventory_items', server_columns => '{quantity,reserved}', fixed_columns => '{warehouse_id}'
);
