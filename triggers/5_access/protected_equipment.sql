-- Machines are seen by everybody in the warehouse. Those who work on them set their status; who leads adds them, and managers
-- take them out of the books. A machine moves only between warehouses where the person may write in both. Since
-- when it has its status, and which it had before, follow from the status: a date of one's own would hide for how long it is down.
select floorcast.protect('public.equipment', server_columns => '{previous_status,status_changed_at}');
