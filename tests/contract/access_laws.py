"""Laws of access that hold for all tables, views, functions and roles, each with a query that names what breaks it.

Each has a breach as well: statements after which the query must name what they did. A law that cannot be seen broken
might be one that looks at nothing.
"""

from dataclasses import dataclass

OURS = "array['public', 'floorcast', 'visible', 'floorcast_migrations']::regnamespace[]"

ROOMS = """
    array(
        select n.oid from pg_namespace as n
        where n.nspname = 'realtime' and obj_description(n.oid, 'pg_namespace') like 'Floorcast:%'
    )
"""
"""Schema realtime where it is Floorcast's. There people have rights, as in a Supabase project, and policies decide."""

OUR_ROLES = """
    select r.* from pg_roles as r
    where r.rolname in ('anon', 'authenticated', 'service_role') or r.rolname like 'floorcast\\_%'
"""
"""Also the logins of processes, as they are on this server."""

DEFINERS_FOR_PEOPLE = {
    "floorcast.my_access()": "policies ask it; it answers about the caller",
    "floorcast.my_id()": "policies ask it; it tells the caller his own id",
    "floorcast.my_warehouses_for(text,text)": "policies ask it; it answers about the caller",
    "floorcast.my_warehouses_reading(text,text)": "views ask it; it answers about the caller",
    "floorcast.my_organizations_for(text,text)": "policies ask it; it answers about the caller",
    "floorcast.my_organizations_reading(text,text)": "views ask it; it answers about the caller",
    "floorcast.my_people_for(text,text)": "policies ask it; it names those who share a warehouse with the caller",
    "floorcast.my_people_reading(text,text)": "views ask it; it names those who share a warehouse with the caller",
    "floorcast.retire(regclass,uuid,bigint)": "no UPDATE can hide a row from its writer; asks the rules for the caller",
    "floorcast.restore(regclass,uuid,bigint)": "as retire",
    "floorcast.retired(regclass)": "no policy shows what is retired; asks the rules for the caller",
    "floorcast.history(regclass,jsonb)": "the trail holds every warehouse; asks the rules for the caller, row by row",
    "floorcast.as_of(regclass,timestamp with time zone)": "as history",
    "floorcast.put_consumer(text,text[],text[],jsonb,integer,interval,integer,text,jsonb)": (
        "nobody may write consumers; writes the caller's, asks the rules what he reads"
    ),
    "floorcast.next_batch(text,integer,text,integer,integer)": (
        "as history, of the caller's consumers; moves their leases"
    ),
    "floorcast.ack(text,uuid,jsonb)": "nobody may write positions; moves those of the caller's consumers",
    "floorcast.hold_batch(text,uuid,integer)": "as ack",
    "floorcast.move_consumer(text,bigint,timestamp with time zone)": "as ack",
    "floorcast.remove_consumer(text)": "nobody may write consumers; removes the caller's",
    "floorcast.consumers(text)": "nobody may read consumers; answers about the caller's",
    "floorcast.parked_changes(text,bigint,integer)": "as history, of what the caller's consumers parked",
    "floorcast.replay_parked(text,bigint)": "nobody may write what is parked; touches the caller's",
    "floorcast.drop_parked(text,bigint)": "as replay_parked",
    "floorcast.put_webhook(text,text,text,integer)": "only gateways read webhooks; writes the caller's",
    "floorcast.my_webhook(text)": "as put_webhook; answers about the caller's, without secrets",
    "floorcast.rotate_webhook(text,text,integer)": "as put_webhook",
    "floorcast.remove_webhook(text)": "as put_webhook",
}
"""Security definers that `authenticated` may call, each with the reason why that opens nothing."""


def _in(names: dict[str, str]) -> str:
    return ", ".join(f"'{name}'::regprocedure" for name in names)


@dataclass(frozen=True, slots=True)
class Law:
    """One sentence that is true of the catalogue."""

    sentence: str
    # Returns the names of what breaks it, in its first column.
    query: str
    # Breaks it, as the owner.
    breach: str
    # What the query must name then.
    culprit: str


TABLE_RIGHTS = f"""
    select c.oid, c.relkind, c.relowner, c.relispartition, c.relnamespace, null::text as attname,
        r.grantee, r.privilege_type
    from pg_class as c
    cross join lateral aclexplode(c.relacl) as r
    where c.relnamespace = any({OURS})
    union all
    select c.oid, c.relkind, c.relowner, c.relispartition, c.relnamespace, a.attname, r.grantee, r.privilege_type
    from pg_class as c
    join pg_attribute as a on a.attrelid = c.oid and not a.attisdropped
    cross join lateral aclexplode(a.attacl) as r
    where c.relnamespace = any({OURS})
"""

FUNCTION_RIGHTS = f"""
    select p.oid, p.proowner, p.prosecdef, p.prorettype, r.grantee
    from pg_proc as p
    cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as r
    where p.pronamespace = any({OURS})
"""

LAWS = (
    Law(
        "row level security is enabled and forced on every table",
        """
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace in ('public'::regnamespace, 'floorcast'::regnamespace) and c.relkind in ('r', 'p')
            and not (c.relrowsecurity and c.relforcerowsecurity)
        """,
        "create table floorcast.drawer (id int primary key); alter table floorcast.drawer enable row level security",
        "floorcast.drawer",
    ),
    Law(
        "a partition is reached through its table: nobody but its owner has a right on it",
        f"select r.oid::regclass::text from ({TABLE_RIGHTS}) as r where r.relispartition and r.grantee <> r.relowner",
        "grant select on floorcast.change_default to floorcast_relay",
        "floorcast.change_default",
    ),
    Law(
        "every table of the CMMS is protected and tracked",
        """
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'f') and not c.relispartition
            and not (
                exists (select from floorcast.protected as p where p.relation = c.oid)
                and exists (select from floorcast.tracked as t where t.relation = c.oid)
            )
        """,
        "create table public.drawer (id int primary key, warehouse_id uuid); select floorcast.protect('public.drawer')",
        "drawer",
    ),
    Law(
        "nothing is tracked under one place and protected under another",
        """
        select p.table_name from floorcast.protected as p
        join floorcast.tracked as t on t.relation = p.relation
        where (p.table_name, p.place_column, p.scope) is distinct from (t.table_name, t.warehouse_column, t.scope)
        """,
        "select floorcast.track('public.equipment', 'id', scope => 'person')",
        "equipment",
    ),
    Law(
        "what is permitted to people is permitted by the rules",
        f"""
        select format('%s on %s', p.polname, p.polrelid::regclass) from pg_policy as p
        join pg_class as c on c.oid = p.polrelid
        where c.relnamespace = any({OURS}) and p.polpermissive
            and p.polroles && array[0, 'authenticated'::regrole, 'floorcast_viewer'::regrole]::oid[]
            and not (
                p.polname in ('by_rule_select', 'by_rule_insert', 'by_rule_update', 'by_rule_delete')
                and concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
                ~ 'floorcast\\.(my_(warehouses|organizations|people)_for\\(|my_id\\(\\))'
            )
        """,
        "create policy everybody_reads on public.equipment for select to authenticated using (true)",
        "everybody_reads on equipment",
    ),
    Law(
        "a rule's policy asks the rules",
        """
        select format('%s on %s', p.policyname, p.tablename) from pg_policies as p
        where p.policyname like 'by\\_rule\\_%'
            and (coalesce(p.qual, 'true') = 'true') = (coalesce(p.with_check, 'true') = 'true')
        """,
        "alter policy by_rule_update on public.equipment using (true)",
        "by_rule_update on equipment",
    ),
    Law(
        "no policy is for everybody or for anon",
        f"""
        select format('%s on %s', p.polname, p.polrelid::regclass) from pg_policy as p
        join pg_class as c on c.oid = p.polrelid
        where c.relnamespace = any({OURS}) and p.polroles && array[0, 'anon'::regrole]::oid[]
        """,
        "create policy not_yet on public.equipment as restrictive using (false)",
        "not_yet on equipment",
    ),
    Law(
        "anon and PUBLIC have no right on any table, view or sequence",
        f"""
        select format('%s of %s', lower(r.privilege_type), r.oid::regclass) from ({TABLE_RIGHTS}) as r
        where r.grantee in (0, 'anon'::regrole)
        """,
        "grant select (name) on public.equipment to anon",
        "select of equipment",
    ),
    Law(
        "anon and PUBLIC may call no function",
        f"select r.oid::regprocedure::text from ({FUNCTION_RIGHTS}) as r where r.grantee in (0, 'anon'::regrole)",
        "create function floorcast.open_drawer() returns int return 1",
        "floorcast.open_drawer()",
    ),
    Law(
        "nobody but its owner may call a trigger's function",
        f"""
        select r.oid::regprocedure::text from ({FUNCTION_RIGHTS}) as r
        where r.prorettype = 'trigger'::regtype and r.grantee <> r.proowner
        """,
        "grant execute on function floorcast.touch() to authenticated",
        "floorcast.touch()",
    ),
    Law(
        "a security definer is called by people only for a reason that is written down",
        f"""
        select r.oid::regprocedure::text from ({FUNCTION_RIGHTS}) as r
        where r.prosecdef and r.grantee = 'authenticated'::regrole and r.oid not in ({_in(DEFINERS_FOR_PEOPLE)})
        """,
        "grant execute on function floorcast.known_warehouses() to authenticated",
        "floorcast.known_warehouses()",
    ),
    Law(
        "a definer that is told a table is not of sql, whose planner may touch the table before the caller is refused",
        f"""
        select p.oid::regprocedure::text from pg_proc as p
        join pg_language as l on l.oid = p.prolang
        where p.pronamespace = any({OURS}) and p.prosecdef and l.lanname = 'sql'
            and p.proargtypes::oid[] && array['regclass'::regtype, 'oid'::regtype]::oid[]
        """,
        """
        create function floorcast.size_of(relation regclass) returns bigint security definer language sql
        as 'select pg_catalog.pg_relation_size(relation)';
        revoke execute on function floorcast.size_of(regclass) from public
        """,
        "floorcast.size_of(regclass)",
    ),
    Law(
        "TRUNCATE, REFERENCES, TRIGGER and MAINTAIN are nobody's but the owner's",
        f"""
        select format('%s of %s', lower(r.privilege_type), r.oid::regclass) from ({TABLE_RIGHTS}) as r
        where r.grantee <> r.relowner and r.privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')
        """,
        "grant trigger on public.equipment to service_role",
        "trigger of equipment",
    ),
    Law(
        "people have rights on columns and not on tables, so that a new column is nobody's until the rules say whose",
        f"""
        select format('%s of %s', lower(r.privilege_type), r.oid::regclass) from ({TABLE_RIGHTS}) as r
        where r.grantee = 'authenticated'::regrole and r.relkind in ('r', 'p', 'f') and r.attname is null
            and r.privilege_type <> 'DELETE'
        """,
        "grant insert on public.equipment to authenticated",
        "insert of equipment",
    ),
    Law(
        "people have no right on what is Floorcast's own, nor on any sequence",
        f"""
        select format('%s of %s', lower(r.privilege_type), r.oid::regclass) from ({TABLE_RIGHTS}) as r
        where r.grantee in ('authenticated'::regrole, 'service_role'::regrole)
            and (r.relnamespace = 'floorcast'::regnamespace or r.relkind = 'S')
        """,
        "grant select on floorcast.grants to authenticated",
        "select of floorcast.grants",
    ),
    Law(
        "a column that is not for everybody is not granted to people",
        """
        select format('%s.%s', c.table_name, c.column_name) from floorcast.column_rule as c
        join floorcast.protected as p using (table_name)
        where has_column_privilege('authenticated', p.relation, c.column_name, 'select')
        """,
        "grant select (email) on public.users to authenticated",
        "users.email",
    ),
    Law(
        "a column that people never write is not granted to them",
        """
        select format('%s of %s.%s', w.verb, p.table_name, s.name) from floorcast.protected as p
        cross join lateral (
            select unnest(p.server_columns), 'insert' union all
            select unnest(p.server_columns || p.fixed_columns), 'update'
        ) as s (name, verb)
        cross join lateral (select s.verb) as w
        where has_column_privilege('authenticated', p.relation, s.name, s.verb)
        """,
        "grant update (quantity) on public.inventory_items to authenticated",
        "update of inventory_items.quantity",
    ),
    Law(
        "a row's version and its times are not people's to give",
        """
        select format('%s of %s.%s', w.verb, p.table_name, a.attname) from floorcast.protected as p
        join pg_attribute as a on a.attrelid = p.relation
            and a.attname in ('version', 'created_at', 'updated_at', 'deleted_at')
        cross join (values ('insert'), ('update')) as w (verb)
        where has_column_privilege('authenticated', p.relation, a.attname, w.verb)
            and (a.attname, w.verb) <> ('version', 'update')
        """,
        "grant update (deleted_at) on public.equipment to authenticated",
        "update of equipment.deleted_at",
    ),
    Law(
        "who did something stays who did it: no column named actor is people's to change",
        """
        select c.oid::regclass::text from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attname = 'actor' and not a.attisdropped
        where c.relnamespace in ('public'::regnamespace, 'floorcast'::regnamespace) and c.relkind in ('r', 'p')
            and has_column_privilege('authenticated', c.oid, a.attnum, 'update')
        """,
        "grant update (actor) on public.work_order_assignments to authenticated",
        "work_order_assignments",
    ),
    Law(
        "each protected table has its view, with all of its columns",
        """
        select p.table_name from floorcast.protected as p
        join pg_class as c on c.oid = p.relation
        left join pg_class as v on v.relname = c.relname and v.relnamespace = 'visible'::regnamespace
            and v.relkind = 'v'
        where v.oid is null or exists (
            select a.attname from pg_attribute as a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            except
            select a.attname from pg_attribute as a where a.attrelid = v.oid and a.attnum > 0
        )
        """,
        "alter table public.equipment add column colour text",
        "equipment",
    ),
    Law(
        "there is nothing in visible but the views of protected tables, owned by floorcast_viewer, read only",
        """
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace = 'visible'::regnamespace and (
            c.relkind <> 'v'
            or c.relowner <> 'floorcast_viewer'::regrole
            or not exists (
                select from floorcast.protected as p
                join pg_class as t on t.oid = p.relation
                where t.relname = c.relname
            )
            or exists (
                select from aclexplode(c.relacl) as r where r.grantee <> c.relowner and (
                    r.grantee not in ('authenticated'::regrole, 'service_role'::regrole) or r.privilege_type <> 'SELECT'
                )
            )
        )
        """,
        "alter view visible.equipment owner to current_user",
        "visible.equipment",
    ),
    Law(
        "each view in visible is a barrier, or a function in a condition would be shown what it hides",
        """
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace = 'visible'::regnamespace
            and not coalesce('security_barrier=true' = any(c.reloptions), false)
        """,
        "alter view visible.users reset (security_barrier)",
        "visible.users",
    ),
    Law(
        "a view outside of visible asks as its reader",
        """
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace in ('public'::regnamespace, 'floorcast'::regnamespace) and c.relkind = 'v'
            and not coalesce('security_invoker=true' = any(c.reloptions), false)
        """,
        "create view public.machines as select id, name from public.equipment",
        "machines",
    ),
    Law(
        "there is no materialized view and no foreign table: row level security does not reach them",
        f"""
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace = any({OURS}) and c.relkind in ('m', 'f')
        """,
        "create materialized view public.totals as select count(*) from public.equipment",
        "totals",
    ),
    Law(
        "no rewrite rule stands between a statement and its table",
        f"""
        select c.oid::regclass::text from pg_rewrite as r join pg_class as c on c.oid = r.ev_class
        where c.relnamespace = any({OURS}) and r.rulename <> '_RETURN'
        """,
        "create rule quietly as on delete to public.equipment do instead nothing",
        "equipment",
    ),
    Law(
        "a trigger of ours calls a function of ours",
        f"""
        select format('%s on %s', t.tgname, t.tgrelid::regclass) from pg_trigger as t
        join pg_class as c on c.oid = t.tgrelid
        join pg_proc as p on p.oid = t.tgfoid
        where c.relnamespace = any({OURS}) and not t.tgisinternal
            and (p.pronamespace <> 'floorcast'::regnamespace or p.proowner <> c.relowner)
        """,
        """
        create trigger _100_quiet before update on public.equipment
        for each row execute function pg_catalog.suppress_redundant_updates_trigger()
        """,
        "_100_quiet on equipment",
    ),
    Law(
        "nothing that is created later is open by default",
        f"""
        select format('%s to %s', d.defaclobjtype, coalesce(nullif(r.grantee, 0)::regrole::text, 'PUBLIC'))
        from pg_default_acl as d
        cross join lateral aclexplode(d.defaclacl) as r
        where (d.defaclnamespace = 0 or d.defaclnamespace = any({OURS}))
            and r.grantee in (0, 'anon'::regrole, 'authenticated'::regrole)
        """,
        "alter default privileges in schema floorcast grant select on tables to authenticated",
        "r to authenticated",
    ),
    Law(
        "nobody but owners creates anything in a schema or in the database",
        f"""
        select format('%s in %s', g.rolname, n.nspname) from pg_namespace as n
        cross join ({OUR_ROLES}) as g
        where has_schema_privilege(g.oid, n.oid, 'create') and n.nspname not like 'pg\\_temp%'
            and (n.nspname, g.rolname) <> ('visible', 'floorcast_viewer')
        union all
        select format('%s in the database', g.rolname) from ({OUR_ROLES}) as g
        where has_database_privilege(g.oid, current_database(), 'create')
        """,
        "grant create on schema public to public",
        "authenticated in public",
    ),
    Law(
        "anon has no way into our schemas but public, which is everybody's",
        """
        select n.nspname::text from pg_namespace as n
        where n.nspname in ('floorcast', 'visible', 'floorcast_migrations')
            and has_schema_privilege('anon', n.oid, 'usage')
        """,
        "grant usage on schema visible to anon",
        "visible",
    ),
    Law(
        "none of our roles is above the rules",
        f"""
        select r.rolname::text from ({OUR_ROLES}) as r
        where r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication
        """,
        "alter role floorcast_gateway bypassrls",
        "floorcast_gateway",
    ),
    Law(
        "none of our roles is a member of the owner, or of a role of Postgres that reads or writes all",
        f"""
        select format('%s of %s', r.rolname, g.rolname) from ({OUR_ROLES}) as r
        cross join pg_roles as g
        where pg_has_role(r.oid, g.oid, 'member') and r.oid <> g.oid and (
            g.rolname like 'pg\\_%'
            or g.oid in (select c.relowner from pg_class as c where c.relnamespace = any({OURS}) and c.relkind = 'r')
        )
        """,
        "grant pg_read_all_data to floorcast_relay",
        "floorcast_relay of pg_read_all_data",
    ),
    Law(
        "what a role is, it is by itself: only logins are members, and they inherit nothing",
        f"""
        select r.rolname::text from ({OUR_ROLES}) as r
        where case
            when r.rolcanlogin then r.rolinherit
            else exists (select from pg_auth_members as m where m.member = r.oid)
        end
        """,
        "grant authenticated to floorcast_viewer",
        "floorcast_viewer",
    ),
    Law(
        "floorcast_viewer is nobody's login, and nobody of ours becomes it",
        f"""
        select r.rolname::text from ({OUR_ROLES}) as r
        where (r.rolname = 'floorcast_viewer' and r.rolcanlogin)
            or (r.rolname <> 'floorcast_viewer' and pg_has_role(r.oid, 'floorcast_viewer', 'member'))
        """,
        "grant floorcast_viewer to authenticated",
        "authenticated",
    ),
    Law(
        "floorcast_viewer reads protected tables, and nothing else of ours",
        f"""
        select format('%s of %s', lower(r.privilege_type), r.oid::regclass) from ({TABLE_RIGHTS}) as r
        where r.grantee = 'floorcast_viewer'::regrole and r.grantee <> r.relowner and not (
            r.privilege_type = 'SELECT' and exists (select from floorcast.protected as p where p.relation = r.oid)
        )
        """,
        "grant select on floorcast.change to floorcast_viewer",
        "select of floorcast.change",
    ),
    Law(
        "what is Floorcast's in realtime is under row level security, its partitions as well",
        f"""
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace = any({ROOMS}) and c.relkind in ('r', 'p') and not c.relrowsecurity
        """,
        "alter table realtime.messages_default disable row level security",
        "realtime.messages_default",
    ),
    Law(
        "messages are read, written and changed through their table, and by nobody removed or emptied",
        f"""
        select format('%s of %s', lower(r.privilege_type), c.oid::regclass) from pg_class as c
        cross join lateral aclexplode(c.relacl) as r
        where c.relnamespace = any({ROOMS}) and r.grantee <> c.relowner and not (
            c.oid = 'realtime.messages'::regclass
            and r.grantee in ('anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole)
            and r.privilege_type in ('SELECT', 'INSERT', 'UPDATE')
        )
        """,
        "grant select on realtime.messages_default to authenticated",
        "select of realtime.messages_default",
    ),
    Law(
        "nobody but servers may do anything with messages until a project's policy says so",
        f"""
        select format('%s on %s', p.polname, p.polrelid::regclass) from pg_policy as p
        join pg_class as c on c.oid = p.polrelid
        where c.relnamespace = any({ROOMS}) and p.polroles <> array['service_role'::regrole::oid]
        """,
        "create policy everybody_reads on realtime.messages for select using (true)",
        "everybody_reads on realtime.messages",
    ),
    Law(
        "what people call in realtime runs as themselves, so that policies decide; PUBLIC may call nothing there",
        f"""
        select p.oid::regprocedure::text from pg_proc as p
        cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as r
        where p.pronamespace = any({ROOMS}) and (p.prosecdef or r.grantee = 0)
        """,
        "alter function realtime.send_binary(bytea, text, text, boolean) security definer",
        "realtime.send_binary(bytea,text,text,boolean)",
    ),
    Law(
        "what is said in a room is captured, whatever session_replication_role says",
        f"""
        select c.oid::regclass::text from pg_class as c
        where c.relnamespace = any({ROOMS}) and c.relkind in ('r', 'p') and not c.relispartition and not exists (
            select from pg_trigger as t
            where t.tgrelid = c.oid and t.tgfoid = 'floorcast.capture_messages()'::regprocedure and t.tgenabled = 'A'
        )
        """,
        "alter table realtime.messages enable trigger _500_capture_insert",
        "realtime.messages",
    ),
)
