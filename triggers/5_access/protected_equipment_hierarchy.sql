-- What hangs on what is seen by everybody in the warehouse and arranged by those who lead. The ends of a link are its key: it is
-- taken away and made anew, not turned round.
select floorcast.protect('public.equipment_hierarchy', fixed_columns => '{warehouse_id}');
