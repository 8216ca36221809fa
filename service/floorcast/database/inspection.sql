-- What `floorcast doctor` asks Postgres. Parameters are psycopg's %(name)s.

-- name: become
select set_config('role', %(role)s, true);

-- name: server
select
    current_setting('server_version_num')::int as version,
    pg_is_in_recovery() as is_standby,
    session_user::text as login,
    (
        select count(*)
        from pg_prepared_xacts
        where database = current_database()
    )::int as prepared_transactions,
    pg_notification_queue_usage() as notification_queue;

-- name: settings
select
    s.name,
    s.setting
from pg_settings as s
where s.name in ('max_prepared_transactions', 'synchronous_commit', 'fsync', 'full_page_writes');

-- name: roles
-- From PostgreSQL 16 on a membership may come without the right to SET ROLE.
select
    wanted.name,
    case
        when r.oid is null then null
        else pg_has_role(
            session_user,
            r.oid,
            case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end
        )
    end as may_become
from unnest(%(roles)s::text[]) as wanted (name)
left join pg_roles as r on r.rolname = wanted.name;

-- name: longest_transaction
-- Of others only what the login may see; a member of pg_read_all_stats sees all.
select
    a.pid,
    coalesce(a.application_name, '') as application,
    coalesce(a.state, '') as state,
    extract(epoch from clock_timestamp() - a.xact_start)::float8 as seconds
from pg_stat_activity as a
where a.xact_start is not null and a.pid <> pg_backend_pid() and a.backend_type = 'client backend'
order by a.xact_start
limit 1;

-- name: tables
-- Every tracked table with its partitions, and how its triggers stand. As floorcast_gateway, which may read what is tracked.
select
    c.oid::regclass::text as name,
    array(
        select wanted.name
        from
            unnest(array[
                '_500_capture_insert', '_500_capture_update', '_500_capture_delete', '_500_refuse_truncate'
            ]) as wanted (name)
        where not exists (
            select from pg_trigger as g
            where g.tgrelid = c.oid and g.tgname = wanted.name
        )
    ) as missing,
    array(
        select g.tgname::text
        from pg_trigger as g
        where g.tgrelid = c.oid and g.tgname like '\_500\_%%' and g.tgenabled <> 'A'
        order by g.tgname
    ) as disabled,
    array(
        select g.tgname::text
        from pg_trigger as g
        where g.tgrelid = c.oid and not g.tgisinternal and (g.tgtype & 1) = 1 and (g.tgtype & 66) = 0
        order by g.tgname
    ) as alien
from floorcast.tracked as t
cross join
    lateral (
        select t.relation as oid
        union
        select p.relid from pg_partition_tree(t.relation) as p
    ) as c
order by name;

-- name: guards
-- What is missing, each as a list of names. As floorcast_gateway, which may read the rules of access.
with trail as (
    select p.relid as oid
    from pg_partition_tree('floorcast.change') as p
    union all
    select c.oid
    from unnest(array['floorcast.tick', 'floorcast.incarnation', 'floorcast.maintenance']::regclass[]) as c (oid)
)

select
    array(
        select c.oid::regclass::text as name
        from pg_class as c
        where
            not (c.relrowsecurity and c.relforcerowsecurity)
            and (
                c.oid in (select p.relation from floorcast.protected as p)
                or (c.relnamespace = 'floorcast'::regnamespace and c.relkind in ('r', 'p'))
            )
        order by name
    ) as unforced,
    array(
        select t.oid::regclass::text || ' (' || event.name || ')' as part
        from trail as t
        cross join (values ('delete', 8), ('update', 16), ('truncate', 32)) as event (name, bit)
        where
            not exists (
                select from pg_trigger as g
                join pg_proc as f on f.oid = g.tgfoid
                where
                    g.tgrelid = t.oid
                    and (g.tgtype::integer & event.bit) > 0
                    and (g.tgtype::integer & 2) > 0
                    and g.tgenabled = 'A'
                    and g.tgqual is null
                    and g.tgattr::text = ''
                    and f.pronamespace = 'floorcast'::regnamespace
                    and f.proname in ('refuse_trail_changes', 'refuse_truncate')
            )
        order by part
    ) as changeable,
    array(
        select r.table_name from floorcast.table_rule as r
        union
        select r.table_name from floorcast.column_rule as r
        union
        select r.table_name from floorcast.owner_rule as r
        except
        select p.table_name
        from floorcast.protected as p
        join pg_class as c on c.oid = p.relation
        order by table_name
    ) as unprotected,
    array(
        select c.oid::regclass::text as name
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        join pg_roles as nobody on nobody.rolname = 'anon'
        where
            c.relkind in ('r', 'p', 'v', 'm')
            and (n.nspname in ('floorcast', 'visible') or c.oid in (select p.relation from floorcast.protected as p))
            and (
                has_table_privilege(nobody.oid, c.oid, 'select, insert, update, delete, truncate, references, trigger')
                or has_any_column_privilege(nobody.oid, c.oid, 'select, insert, update, references')
            )
        order by name
    ) as open;

-- name: messages
-- Whose realtime.messages is, and how our trigger stands on it: in a Supabase project its owner has to let us.
select
    m.relowner::regrole::text as owner,
    coalesce(obj_description(m.oid, 'pg_class') like 'Floorcast:%%', false) as is_ours,
    f.proowner::regrole::text as migrator,
    case
        when t.oid is null then 'missing'
        when t.tgenabled = 'A' or (t.tgenabled = 'O' and obj_description(m.oid, 'pg_class') is null) then 'on'
        else 'off'
    end as trigger
from pg_proc as f
left join pg_class as m
    on m.relname = 'messages' and m.relnamespace = (
        select n.oid from pg_namespace as n
        where n.nspname = 'realtime'
    )
left join pg_trigger as t on t.tgrelid = m.oid and t.tgfoid = f.oid
where f.proname = 'capture_messages' and f.pronamespace = 'floorcast'::regnamespace;

-- name: sequence_cache
select s.seqcache::int
from pg_sequence as s
join pg_class as c on c.oid = s.seqrelid
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'floorcast' and c.relname = 'change_seq';

-- name: leader
-- As floorcast_relay, which may read the sign of life; it is 0 before the first.
select
    (
        select max(l.pid)
        from pg_locks as l
        where
            l.locktype = 'advisory'
            and l.granted
            and l.objsubid = 1
            and l.database = (
                select d.oid from pg_database as d
                where d.datname = current_database()
            )
            and ((l.classid::bigint << 32) | l.objid::bigint) = floorcast.leader_lock()
    ) as pid,
    (floorcast.now_ms() - nullif(s.last_value, 0))::float8 / 1000 as silent_seconds
from floorcast.leader_seen as s;

-- name: backend
select pg_backend_pid();

-- name: ring
select pg_notify('floorcast_doctor', %(word)s);

-- name: listen
listen floorcast_doctor;
