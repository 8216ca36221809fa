-- Makes a protected table what the rules say: rights, policies, view. Called by protect(), and by a trigger whenever a rule of
-- the table changes. Dynamic, since it writes policies for any table; nothing of its input is SQL.
--
-- Permissive policies are here and come from the rules. What a rule cannot say (in one's own name only) is a restrictive
-- policy in the table's own file.
create or replace function floorcast.apply_rules(table_name text)
returns void
volatile
security invoker
set search_path = pg_catalog, pg_temp
-- Nobody is told of triggers that were not there to be dropped.
set client_min_messages = warning
language plpgsql
as $$
declare
    _table floorcast.protected;
    _owner_rule floorcast.owner_rule;
    _maintainer text;
    _key text[];
    _has_retired boolean;
    _is_entity boolean;
    _hidden text[];
    _never text[];
    _inserted text;
    _updated text;
    _unseen text;
    _shown text;
    _condition text;
    _policy record;
    _view text;
    _column text;
    _comment text;
begin
    select p.* into strict _table from floorcast.protected as p where p.table_name = apply_rules.table_name;
    select o.* into _owner_rule from floorcast.owner_rule as o where o.table_name = apply_rules.table_name;
    select r.rolname
    into strict _maintainer
    from pg_catalog.pg_class as c
    join pg_catalog.pg_roles as r on r.oid = c.relowner
    where c.oid = _table.relation;

    select coalesce(array_agg(a.attname::text), '{}')
    into _key
    from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
    where i.indrelid = _table.relation and i.indisprimary;

    select exists (
        select from pg_catalog.pg_attribute as a
        where a.attrelid = _table.relation and a.attname = 'deleted_at' and not a.attisdropped
    )
    into _has_retired;
    -- What has no version is no entity: it is retired with what it hangs on, and not by itself.
    select _has_retired and exists (
        select from pg_catalog.pg_attribute as a
        where a.attrelid = _table.relation and a.attname = 'version' and not a.attisdropped
    )
    into _is_entity;

    -- A rule about a column that is not there would be believed to hide something.
    select coalesce(array_agg(c.column_name order by c.column_name), '{}')
    into _hidden
    from floorcast.column_rule as c
    where c.table_name = apply_rules.table_name;
    if exists (
        select from unnest(_hidden) as h (name)
        where h.name = any (_key || _table.place_column || array['deleted_at', 'version']) or not exists (
            select from pg_catalog.pg_attribute as a
            where a.attrelid = _table.relation and a.attname = h.name and a.attnum > 0 and not a.attisdropped
        )
    ) then
        raise exception 'a column rule of % hides a column that is not there, or that says which row it is, where, and since when (%)',
            apply_rules.table_name, array_to_string(_hidden, ', ')
        using errcode = 'invalid_parameter_value', hint = 'Name columns of the table other than its key, its place, version and deleted_at.';
    end if;

    -- Who reads locks the view first and the table then: in the other order one of the two would be ended for a deadlock. And
    -- nobody waits long behind us while we wait for somebody: a rule is tried again, a stopped shop floor is not.
    _view := format('visible.%I', (select c.relname from pg_catalog.pg_class as c where c.oid = _table.relation));
    if current_setting('lock_timeout') in ('0', '') then
        perform set_config('lock_timeout', '5s', true);
    end if;
    if to_regclass(_view) is not null then
        execute format('alter view %s set (security_barrier = true)', _view);
    end if;
    execute format('lock table %s in access exclusive mode', _table.relation);

    -- Row level security, for the owner too: who sees everything does so by a policy that can be read.
    if not (
        select c.relrowsecurity and c.relforcerowsecurity from pg_catalog.pg_class as c where c.oid = _table.relation
    ) then
        execute format('alter table %s enable row level security, force row level security', _table.relation);
    end if;

    -- Rights. Columns that nobody but servers writes are in no grant, so that a try is an error and not a silence.
    select
        string_agg(quote_ident(a.attname), ', ') filter (where a.attname <> all (_hidden)),
        string_agg(quote_ident(a.attname), ', ') filter (
            where a.attgenerated = '' and a.attname <> 'version' and a.attname <> all (_table.server_columns)
            and a.attname <> all (array['created_at', 'updated_at', 'deleted_at'])
        ),
        string_agg(quote_ident(a.attname), ', ') filter (
            where a.attgenerated = '' and a.attname <> all (_table.server_columns || _table.fixed_columns || _key)
            and a.attname <> all (array['created_at', 'updated_at', 'deleted_at'])
            and a.attname is distinct from _owner_rule.column_name
        )
    into _shown, _inserted, _updated
    from pg_catalog.pg_attribute as a
    where a.attrelid = _table.relation and a.attnum > 0 and not a.attisdropped;

    -- TRUNCATE, REFERENCES and TRIGGER are nobody's: a trigger of somebody else's making would run as whoever writes.
    execute format(
        'revoke all on table %s from public, anon, authenticated, service_role, floorcast_viewer', _table.relation
    );
    execute format('grant select, insert, update, delete on table %s to service_role', _table.relation);
    execute format('grant select on table %s to floorcast_viewer', _table.relation);
    execute format('grant select (%s) on table %s to authenticated', _shown, _table.relation);
    if exists (
        select from floorcast.table_rule as r where r.table_name = apply_rules.table_name and r.action = 'insert'
    ) then
        execute format('grant insert (%s) on table %s to authenticated', _inserted, _table.relation);
    end if;
    if 'update' = any (_owner_rule.actions) or exists (
        select from floorcast.table_rule as r where r.table_name = apply_rules.table_name and r.action = 'update'
    ) then
        execute format('grant update (%s) on table %s to authenticated', _updated, _table.relation);
    end if;
    -- An entity is retired and restored by functions; what was only a link or a line may be taken away.
    if not _is_entity and exists (
        select from floorcast.table_rule as r where r.table_name = apply_rules.table_name and r.action = 'delete'
    ) then
        execute format('grant delete on table %s to authenticated', _table.relation);
    end if;

    -- Policies.
    execute format('drop policy if exists by_rule_select on %s', _table.relation);
    execute format('drop policy if exists by_rule_insert on %s', _table.relation);
    execute format('drop policy if exists by_rule_update on %s', _table.relation);
    execute format('drop policy if exists by_rule_delete on %s', _table.relation);
    execute format('drop policy if exists servers_do_all on %s', _table.relation);
    execute format('drop policy if exists owner_maintains on %s', _table.relation);

    for _policy in
        select p.action, p.roles, p.clause, p.comment, floorcast.access_condition(_table, p.action) as condition
        from (
            values
            (
                'select', 'authenticated, floorcast_viewer', 'using',
                'Rows of places where the rules let the caller''s role read the table, or that are for the caller; none that is retired.'
            ),
            ('insert', 'authenticated', 'with check', 'Where the rules let the caller''s role insert.'),
            -- The check of an UPDATE is its condition applied to the new row: a row moves only between places where one may
            -- write in both.
            (
                'update', 'authenticated', 'using',
                'Where the rules let the caller''s role update, before the change and after it.'
            ),
            ('delete', 'authenticated', 'using', 'Where the rules let the caller''s role delete.')
        ) as p (action, roles, clause, comment)
    loop
        -- No rule, no policy: nobody may.
        continue when _policy.condition is null;
        execute format(
            'create policy by_rule_%1$s on %2$s for %1$s to %3$s %4$s (%5$s)',
            _policy.action, _table.relation, _policy.roles, _policy.clause, _policy.condition
        );
        execute format('comment on policy by_rule_%s on %s is %L', _policy.action, _table.relation, _policy.comment);
    end loop;
    -- Supabase's service_role bypasses row level security; ours does not, and this says the same.
    execute format(
        'create policy servers_do_all on %s for all to service_role using (true) with check (true)', _table.relation
    );
    execute format('comment on policy servers_do_all on %s is %L', _table.relation, 'Trusted servers see and write every row.');
    execute format(
        'create policy owner_maintains on %s for all to %I using (true) with check (true)', _table.relation, _maintainer
    );
    execute format(
        'comment on policy owner_maintains on %s is %L', _table.relation,
        'The owner, as whom migrations and security definers run, sees and writes every row.'
    );

    if _owner_rule.column_name <> all (_key) then
        execute format(
            'create or replace trigger _100_keep_owner before update on %1$s for each row'
            ' when (old.%2$I is distinct from new.%2$I) execute function floorcast.keep_owner(%2$L)',
            _table.relation, _owner_rule.column_name
        );
        execute format(
            'comment on trigger _100_keep_owner on %s is %L', _table.relation, 'Whom a row is for never changes.'
        );
    else
        execute format('drop trigger if exists _100_keep_owner on %s', _table.relation);
    end if;

    -- Where rows have versions, and places are warehouses: who may write what he cannot read is not told whether he guessed it.
    select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
    into _unseen
    from pg_catalog.pg_attribute as a
    where
        a.attrelid = _table.relation and not a.attisdropped and a.attname = any (_hidden)
        and _table.scope = 'warehouse' and a.attgenerated = ''
        and exists (
            select from pg_catalog.pg_attribute as v
            where v.attrelid = _table.relation and v.attname = 'version' and not v.attisdropped
        );
    execute format('drop trigger if exists _100_touch_unseen on %s', _table.relation);
    if _unseen is not null then
        execute format(
            'create trigger _100_touch_unseen before update of %s on %s for each row when (new.version = old.version)'
            ' execute function floorcast.count_unseen(%L, %L)',
            _unseen, _table.relation, _table.table_name, _table.place_column
        );
        execute format(
            'comment on trigger _100_touch_unseen on %s is %L', _table.relation,
            'Who writes a column that he is not shown is not told whether he guessed what was there.'
        );
    end if;

    -- The view.
    select string_agg(
        case
            when a.attname <> all (_hidden) then quote_ident(a.attname)
            else format(
                'case when %I = any (array(select floorcast.my_%s_reading(%L, %L)))%s then %I end as %I',
                _table.place_column,
                case _table.scope when 'warehouse' then 'warehouses' when 'organization' then 'organizations' else 'people' end,
                _table.table_name,
                a.attname,
                case
                    when _owner_rule.column_name is null then ''
                    else format(' or %I = (select floorcast.my_id())', _owner_rule.column_name)
                end,
                a.attname,
                a.attname
            )
        end,
        ', ' order by a.attnum
    )
    into _shown
    from pg_catalog.pg_attribute as a
    where a.attrelid = _table.relation and a.attnum > 0 and not a.attisdropped;

    -- A security barrier, or a function in somebody's query could be shown rows before they are sorted out.
    -- Not security_invoker: the caller may not read the hidden columns. Its owner is nobody's login, and row level security
    -- applies to him; where he is on a policy's list, it asks the rules about the caller.
    _condition := case when _has_retired then ' where deleted_at is null' else '' end;
    begin
        execute format(
            'create or replace view %s with (security_barrier = true, security_invoker = false) as select %s from %s%s',
            _view, _shown, _table.relation, _condition
        );
    exception when invalid_table_definition then
        -- Columns were taken away or renamed; what was built on the view has to be looked at, so no cascade.
        execute format('drop view %s', _view);
        execute format(
            'create view %s with (security_barrier = true, security_invoker = false) as select %s from %s%s',
            _view, _shown, _table.relation, _condition
        );
    end;
    execute format('alter view %s owner to floorcast_viewer', _view);
    execute format('revoke all on %s from public, anon, authenticated, service_role', _view);
    execute format('grant select on %s to authenticated, service_role', _view);
    execute format(
        'comment on view %s is %L', _view,
        format(
            '%s as the caller may see it%s.', _table.relation,
            case when _hidden = '{}' then '' else format('; null where he may not: %s', array_to_string(_hidden, ', ')) end
        )
    );
    for _column, _comment in
        select a.attname, pg_catalog.col_description(a.attrelid, a.attnum)
        from pg_catalog.pg_attribute as a
        where a.attrelid = _table.relation and a.attnum > 0 and not a.attisdropped
    loop
        execute format('comment on column %s.%I is %L', _view, _column, _comment);
    end loop;
end;
$$;

comment on function floorcast.apply_rules(text) is
'Makes a protected table what the rules say: rights, policies, view; called by protect() and when a rule changes.';

revoke execute on function floorcast.apply_rules(text) from public;
