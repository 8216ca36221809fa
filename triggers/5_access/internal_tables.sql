-- Floorcast's own tables are under row level security as well, forced. Which of our roles may do what with them is said by their
-- grants; nobody else has a policy, so that a grant given by mistake opens nothing.
do $$
declare
    _table record;
begin
    for _table in
        select
            c.oid::regclass as relation,
            r.rolname as maintainer,
            c.relrowsecurity and c.relforcerowsecurity as forced,
            c.relispartition as is_part
        from pg_catalog.pg_class as c
        join pg_catalog.pg_roles as r on r.oid = c.relowner
        where c.relnamespace = 'floorcast'::regnamespace and c.relkind in ('r', 'p')
    loop
        if not _table.forced then
            execute format('alter table %s enable row level security, force row level security', _table.relation);
        end if;
        -- Partitions of the trail are reached through it; nobody has a right on one, and there is no policy.
        continue when _table.is_part;
        execute format('drop policy if exists owner_maintains on %s', _table.relation);
        execute format('drop policy if exists processes_work on %s', _table.relation);
        execute format(
            'create policy owner_maintains on %s for all to %I using (true) with check (true)',
            _table.relation, _table.maintainer
        );
        execute format(
            'comment on policy owner_maintains on %s is %L', _table.relation,
            'The owner, as whom migrations and security definers run.'
        );
        execute format(
            'create policy processes_work on %s for all to floorcast_relay, floorcast_gateway using (true) with check (true)',
            _table.relation
        );
        execute format(
            'comment on policy processes_work on %s is %L', _table.relation,
            'Our processes see every row of what their grants let them touch.'
        );
    end loop;

    -- Who is nobody has no right here; only where he was given one, since a right that is not there needs no writing.
    for _table in
        select c.oid::regclass as relation
        from pg_catalog.pg_class as c
        where c.relnamespace = 'floorcast'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
            and (
                has_table_privilege('anon', c.oid, 'select, insert, update, delete, truncate, references, trigger')
                or has_any_column_privilege('anon', c.oid, 'select, insert, update, references')
            )
    loop
        execute format('revoke all on %s from public, anon', _table.relation);
    end loop;
end
$$;
