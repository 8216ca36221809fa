-- What `floorcast migrate export` puts around our files, so that a database that another tool migrates is the one that
-- `floorcast migrate up` makes, and is known to it. %(name)s stands for a literal.

-- name: begin_step
-- For this transaction: the settings of `floorcast migrate up`, and its lock, so that the two never work at once.
select
    set_config('search_path', '', true),
    set_config('timezone', 'UTC', true),
    set_config('datestyle', 'ISO, YMD', true),
    set_config('lock_timeout', %(lock_timeout)s, true),
    set_config('statement_timeout', %(statement_timeout)s, true),
    set_config('check_function_bodies', %(check_function_bodies)s, true),
    set_config('client_min_messages', 'warning', true);
select pg_advisory_xact_lock(%(key)s);

-- name: ledger
-- The memory of `floorcast migrate`: what it would have made itself.
create table floorcast_migrations.migration (
    migration_hash varchar(64) not null,
    migration_id varchar(255),
    applied_at_utc timestamp,
    primary key (migration_hash)
);
create table floorcast_migrations.migration_log (
    id varchar(36) not null,
    migration_hash varchar(64),
    migration_id varchar(255),
    operation varchar(10),
    username varchar(255),
    hostname varchar(255),
    comment varchar(255),
    created_at_utc timestamp,
    primary key (id)
);
create table floorcast_migrations.ledger_version (
    version int not null,
    installed_at_utc timestamp,
    primary key (version)
);
insert into floorcast_migrations.ledger_version (version, installed_at_utc)
values (2, clock_timestamp() at time zone 'UTC');

-- name: record_migration
-- What `floorcast migrate status` reads.
insert into floorcast_migrations.migration (migration_hash, migration_id, applied_at_utc)
values (%(hash)s, %(id)s, clock_timestamp() at time zone 'UTC');
insert into floorcast_migrations.migration_log (
    id, migration_hash, migration_id, operation, username, comment, created_at_utc
)
values (
    gen_random_uuid()::text,
    %(hash)s,
    %(id)s,
    'apply',
    current_user,
    'as exported',
    clock_timestamp() at time zone 'UTC'
);

-- name: begin_behaviour
-- Which file makes what is remembered, so that `floorcast migrate down` knows what to take away.
create temporary table floorcast_seen (identity text, version text) on commit drop;
create temporary table floorcast_made (path text, identity text) on commit drop;
create temporary table floorcast_files (path text, checksum text) on commit drop;
insert into pg_temp.floorcast_seen (identity, version)
select
    o.identity,
    o.version
from pg_temp.floorcast_objects as o;
create function pg_temp.floorcast_note(path text, checksum text)
returns void
set search_path = ''
language plpgsql
as $$
begin
    insert into pg_temp.floorcast_files (path, checksum) values (floorcast_note.path, floorcast_note.checksum);
    -- What is new, and what was replaced if a file of ours had made it.
    insert into pg_temp.floorcast_made (path, identity)
    select floorcast_note.path, o.identity
    from pg_temp.floorcast_objects as o
    left join pg_temp.floorcast_seen as s on s.identity = o.identity
    where s.identity is null or (
        s.version <> o.version and (
            exists (select from pg_temp.floorcast_made as m where m.identity = o.identity)
            or exists (select from floorcast_migrations.behaviour as b where o.identity = any(b.objects))
        )
    );
    delete from pg_temp.floorcast_seen;
    insert into pg_temp.floorcast_seen (identity, version)
    select o.identity, o.version
    from pg_temp.floorcast_objects as o;
end
$$;

-- name: end_behaviour
-- A file that is no more keeps what only it made and is still there.
update floorcast_migrations.behaviour as b
set
    objects = array(
        select left_over.identity
        from unnest(b.objects) as left_over (identity)
        inner join pg_temp.floorcast_seen as s on left_over.identity = s.identity
        where
            not exists (
                select from pg_temp.floorcast_made as m
                where m.identity = left_over.identity
            )
        order by 1
    )
where not exists (
    select from pg_temp.floorcast_files as f
    where f.path = b.path
);
delete from floorcast_migrations.behaviour as b
where
    b.objects = '{}'
    or exists (
        select from pg_temp.floorcast_files as f
        where f.path = b.path
    );
insert into floorcast_migrations.behaviour (path, checksum, objects)
select
    f.path,
    f.checksum,
    array(
        select distinct m.identity from pg_temp.floorcast_made as m
        where m.path = f.path
        order by 1
    )
from pg_temp.floorcast_files as f;
drop function pg_temp.floorcast_note(text, text);
drop view pg_temp.floorcast_objects;
