-- Counts an UPDATE that names a column which its writer is not shown, whether it changes anything or not. He may write what he
-- cannot read (a technician books what he paid); were it counted only when it differs, he would write guesses until one did not.
-- Behind _100_touch, which compares. Hung by floorcast.apply_rules() on tables that have columns which are not for everybody.
create or replace function floorcast.count_unseen()
returns trigger
volatile
-- definer: it reads the rules.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _table constant text := tg_argv[0];
    _place constant uuid := to_jsonb(old) ->> tg_argv[1];
begin
    if not floorcast.is_server() and exists (
        select from floorcast.column_rule as c
        where c.table_name = _table and not exists (
            select from floorcast.my_warehouses_reading(_table, c.column_name) as w (id) where w.id = _place
        )
    ) then
        new.version := old.version + 1;
        new.updated_at := clock_timestamp();
    end if;
    return new;
end
$$;

comment on function floorcast.count_unseen() is
'BEFORE UPDATE row trigger: counts the change of a column that the writer is not shown even if it is none, so that nobody guesses.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.count_unseen() from public;
