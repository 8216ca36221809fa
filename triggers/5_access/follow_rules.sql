-- A changed rule takes effect with the transaction that changes it: the tables it is about are protected anew.
-- It locks them for a moment, as any change of a policy does.
create or replace function floorcast.follow_rules()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _name text;
begin
    -- A rule may come before its table. One that names no table is more likely misspelt, and would be believed.
    for _name in
        select distinct r.table_name
        from changed_rows as r
        where tg_op <> 'DELETE' and to_regclass(case when r.table_name like '%.%' then r.table_name else 'public.' || quote_ident(r.table_name) end) is null
    loop
        raise warning 'there is no table % yet: the rule holds from when it is made and protected', _name;
    end loop;

    for _name in
        select p.table_name
        from floorcast.protected as p
        where p.table_name in (select r.table_name from changed_rows as r)
        order by p.table_name
    loop
        perform floorcast.apply_rules(_name);
    end loop;
    return null;
end;
$$;

comment on function floorcast.follow_rules() is 'AFTER statement trigger of the rules: applies them to their tables.';

revoke execute on function floorcast.follow_rules() from public;

do $$
declare
    _rules text;
begin
    foreach _rules in array array['table_rule', 'column_rule', 'owner_rule'] loop
        execute format(
            'create or replace trigger _600_follow_rules_insert after insert on floorcast.%I'
            ' referencing new table as changed_rows for each statement execute function floorcast.follow_rules()',
            _rules
        );
        execute format(
            'create or replace trigger _600_follow_rules_update_old after update on floorcast.%I'
            ' referencing old table as changed_rows for each statement execute function floorcast.follow_rules()',
            _rules
        );
        execute format(
            'create or replace trigger _600_follow_rules_update_new after update on floorcast.%I'
            ' referencing new table as changed_rows for each statement execute function floorcast.follow_rules()',
            _rules
        );
        execute format(
            'create or replace trigger _600_follow_rules_delete after delete on floorcast.%I'
            ' referencing old table as changed_rows for each statement execute function floorcast.follow_rules()',
            _rules
        );
        execute format('comment on trigger _600_follow_rules_insert on floorcast.%I is %L', _rules, 'New rules take effect.');
        execute format(
            'comment on trigger _600_follow_rules_update_old on floorcast.%I is %L', _rules,
            'What a changed rule said before no longer holds.'
        );
        execute format(
            'comment on trigger _600_follow_rules_update_new on floorcast.%I is %L', _rules, 'Changed rules take effect.'
        );
        execute format(
            'comment on trigger _600_follow_rules_delete on floorcast.%I is %L', _rules, 'A rule that is gone no longer holds.'
        );
        execute format(
            'create or replace trigger _600_refuse_truncate before truncate on floorcast.%I'
            ' for each statement execute function floorcast.refuse_truncate()',
            _rules
        );
        execute format(
            'comment on trigger _600_refuse_truncate on floorcast.%I is %L', _rules,
            'Rules taken away by TRUNCATE would go on holding in policies and gateways.'
        );
    end loop;
end
$$;
