drop table public.work_order_timeline;
drop table public.work_order_assignments;
drop table public.work_orders;

-- The sequences that numbered the orders, one per organization (floorcast.work_order_sequence makes them).
do $$
declare
    _sequence regclass;
begin
    for _sequence in
        select c.oid::regclass
        from pg_catalog.pg_class as c
        where c.relnamespace = to_regnamespace('floorcast') and c.relkind = 'S' and c.relname like 'work\_orders\_of\_%'
    loop
        execute format('drop sequence %s', _sequence);
    end loop;
end
$$;
