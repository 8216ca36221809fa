-- Opens the trail for the transaction that calls it, and for no other: for what the law demands, such as erasing a person or
-- dropping what need not be kept any longer. Who, when and why goes into floorcast.maintenance, which is tracked: it is sealed
-- with the tick like any change, and cannot be taken back but with everything that the transaction did.
-- For the owner of the trail. What is changed breaks the seals of its ticks, and `floorcast audit verify` names them: keep what
-- it said before beside the reason.
create or replace function floorcast.begin_maintenance(reason text)
returns bigint
volatile
security invoker
set search_path = pg_catalog, pg_temp
language sql
as $$
    insert into floorcast.maintenance (actor, reason)
    values (floorcast.actor(), begin_maintenance.reason)
    returning maintenance.number
$$;

comment on function floorcast.begin_maintenance(text) is
'Lets this transaction change the trail, and says so in the trail: begin_maintenance(''why''). Returns its number in the book.';

revoke execute on function floorcast.begin_maintenance(text) from public;
