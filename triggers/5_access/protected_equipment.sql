-- Machines are seen by everybody in the warehouse. Those who work on them set their status; who leads adds them, and managers
-- take them out of the books. A machine moves only between warehouses where the person may write in both.
select floorcast.protect('public.equipment');
