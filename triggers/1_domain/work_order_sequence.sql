-- The sequence that numbers the work orders of one organization; created when missing.
--
-- A sequence and not a counter row: the row would stay locked until the writer commits, so that one transaction left open
-- would stop everybody in the organization from opening a work order, and two writers could deadlock over it. The price is
-- gaps: a number whose transaction rolls back is not used again. Numbers name orders, they do not count them. For the same
-- reason they go on over New Year: the year in front is the year of the order, and starting again at 1 would need a sequence
-- made at midnight by whoever comes first.
--
-- Missing is the exception (the organization's insert makes it), so the lock that keeps two callers from making it twice
-- is waited for once in the life of an organization. It goes on after the largest number that is there, because a restored
-- or imported organization brings orders along.
--
-- Called by number_work_order and provide_work_order_sequence. Reads work_orders only when it creates.
create or replace function floorcast.work_order_sequence(organization_id uuid)
returns regclass
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _name constant text := 'work_orders_of_' || replace(work_order_sequence.organization_id::text, '-', '');
    _sequence regclass := to_regclass('floorcast.' || _name);
    _last bigint;
begin
    if _sequence is not null then
        return _sequence;
    end if;
    perform pg_advisory_xact_lock(hashtextextended(_name, 0));
    _sequence := to_regclass('floorcast.' || _name);
    if _sequence is null then
        select max(substring(w.number from '^WO-\d{4}-(\d{1,15})$')::bigint)
        into _last
        from public.work_orders as w
        where w.organization_id = work_order_sequence.organization_id;

        execute format('create sequence floorcast.%I start with %s', _name, coalesce(_last, 0) + 1);
        _sequence := to_regclass('floorcast.' || _name);
    end if;
    return _sequence;
end
$$;

comment on function floorcast.work_order_sequence(uuid) is
'The sequence that numbers an organization''s work orders. Numbers have gaps where transactions rolled back, and never wait.';

revoke all on function floorcast.work_order_sequence(uuid) from public;
