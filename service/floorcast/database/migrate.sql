-- What the migration runner says to Postgres. One statement group after each `-- name:` line; parameters as psycopg has them.

-- name: pin_session
-- Whatever the login, the role or the database prefers, a migration means the same everywhere. A name without its schema is
-- an error in a migration: the only schema on the path is the runner's own, and even that is taken off the path while a
-- migration runs. Partition bounds and defaults are written in UTC. A lock that does not come is given up, and so is a
-- statement that takes too long, so that the statements queueing behind ours can go on.
select
    set_config('search_path', 'floorcast_migrations', false),
    set_config('timezone', 'UTC', false),
    set_config('datestyle', 'ISO, YMD', false),
    set_config('lock_timeout', %(lock_timeout)s, false),
    set_config('statement_timeout', %(statement_timeout)s, false),
    set_config('idle_in_transaction_session_timeout', '0', false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('synchronous_commit', 'on', false),
    set_config('row_security', 'on', false),
    set_config('client_min_messages', 'warning', false);

-- name: notice_lost_client
-- A runner that is killed takes its session with it within a second, even in the middle of a long statement, and with the
-- session goes the lock. (Windows servers refuse the setting.)
select set_config('client_connection_check_interval', '1s', false);

-- name: try_lock
select pg_try_advisory_lock(%(key)s);

-- name: lock_holder
select
    activity.pid,
    coalesce(nullif(activity.application_name, ''), 'a session without a name'),
    to_char(activity.backend_start, 'HH24:MI:SS')
from pg_catalog.pg_locks as held
inner join pg_catalog.pg_stat_activity as activity on held.pid = activity.pid
where
    held.locktype = 'advisory'
    and held.granted
    and held.objsubid = 1
    and held.database = (
        select d.oid from pg_catalog.pg_database as d
        where d.datname = current_database()
    )
    and (held.classid::bigint << 32) | held.objid::bigint = %(key)s;

-- name: ledger_exists
select
    to_regclass('floorcast_migrations.migration') is not null
    and to_regclass('floorcast_migrations.behaviour') is not null;

-- name: create_ledger
-- The runner's memory has a schema of its own: it must outlive everything that it makes and unmakes.
create schema if not exists floorcast_migrations;
comment on schema floorcast_migrations is
'What floorcast migrate remembers: migrations applied (kept by yoyo), and the files of triggers/ with their checksums.';
create table if not exists floorcast_migrations.behaviour (
    path text primary key,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp(),
    -- What the file made, as `function floorcast.track(regclass)`: what `down` has to take away.
    objects text[] not null
);
comment on table floorcast_migrations.behaviour is 'Each file of triggers/ as it was last applied, and what it made.';

-- name: applied_migrations
select migration_id, applied_at_utc at time zone 'UTC'
from floorcast_migrations.migration
order by applied_at_utc, migration_id;

-- name: recorded_behaviour
select path, checksum, objects from floorcast_migrations.behaviour;

-- name: locks_of_behaviour
-- What locks everything that the files of triggers/ hang something on: the views, by changing nothing of them (`lock table` on a
-- view asks for rights that its owner lacks); then our tables, and those with a trigger of ours. Readers take a view before its
-- table, and so do we: `alter` sorts before `lock`.
select format('alter view %I.%I set (security_barrier = true)', home.nspname, c.relname) as statement
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as home on c.relnamespace = home.oid
where c.relkind = 'v' and home.nspname = 'visible'
union all
select format('lock table %I.%I in access exclusive mode', home.nspname, c.relname) as statement
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as home on c.relnamespace = home.oid
where
    c.relkind in ('r', 'p')
    and not c.relispartition
    and (
        home.nspname = 'floorcast'
        or exists (
            select from pg_catalog.pg_trigger as t
            inner join pg_catalog.pg_proc as p on t.tgfoid = p.oid
            where t.tgrelid = c.oid and not t.tgisinternal and p.pronamespace = to_regnamespace('floorcast')
        )
    )
order by statement;

-- name: lock_patience
select current_setting('lock_timeout');

-- name: set_lock_patience
select set_config('lock_timeout', %(patience)s, true);

-- name: forget_behaviour
delete from floorcast_migrations.behaviour;

-- name: record_behaviour
insert into floorcast_migrations.behaviour (path, checksum, objects)
values (%(path)s, %(checksum)s, %(objects)s);

-- name: objects
-- Every function, trigger, policy and view outside the system, by its identity. `version` is where its catalogue row
-- lies: it moves when the object is made anew or replaced, even by the same text.
select
    identified.type || ' ' || identified.identity as identity,
    found.catalogue::text || ':' || found.oid::text || ':' || found.place as version
from (
    select 'pg_catalog.pg_proc'::regclass::oid as catalogue, p.oid, p.ctid::text as place, p.pronamespace as home
    from pg_catalog.pg_proc as p
    union all
    select 'pg_catalog.pg_trigger'::regclass::oid as catalogue, t.oid, t.ctid::text as place, null as home
    from pg_catalog.pg_trigger as t
    where not t.tgisinternal and t.tgparentid = 0
    union all
    select 'pg_catalog.pg_policy'::regclass::oid as catalogue, p.oid, p.ctid::text as place, null as home
    from pg_catalog.pg_policy as p
    union all
    select 'pg_catalog.pg_class'::regclass::oid as catalogue, c.oid, r.ctid::text as place, c.relnamespace as home
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_rewrite as r on c.oid = r.ev_class and r.rulename = '_RETURN'
    where c.relkind in ('v', 'm')
) as found
left join pg_catalog.pg_namespace as home on found.home = home.oid
cross join lateral pg_catalog.pg_identify_object(found.catalogue, found.oid, 0) as identified
where
    home.nspname is null
    or (home.nspname !~ '^pg_' and home.nspname <> 'information_schema');
