-- Where stock lies is seen by everybody in the warehouse and arranged by clerks and above. What a location holds is nobody's to
-- write: it is the sum of what lies there.
select floorcast.protect(
    'public.inventory_locations', server_columns => '{current_usage}', fixed_columns => '{warehouse_id}'
);
