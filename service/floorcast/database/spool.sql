-- A first picture: every row that a topic shows somebody, in one snapshot.
--
-- Tables are locked before there is a snapshot: one that is rewritten by an ALTER TABLE looks empty to a snapshot from before. Then
-- the gateway's role reads where in the stream the snapshot stands and by which law; after `become` everything runs as the
-- caller. What reads the rows is made in rows.py, from the catalogue's names.

-- name: begin
-- Nothing here takes a snapshot, nor does `lock table`. Plans of the ticks must not scan the trail, however empty it looked.
begin;
set local transaction_isolation = 'repeatable read';
set local transaction_read_only = on;
set local enable_seqscan = off;

-- name: coordinates
-- The newest tick that this snapshot sees, whether it sees anything that no tick up to that one delivered, and what it says about
-- the reader. Whatever those ticks delivered is in the picture, since a tick commits after everything that it sees.
-- A tick that knows of transactions which this server has not begun is another cluster's, and tells nothing.
-- The time is when the statement arrived, which is before the snapshot: all that had committed by then is in it.
select
    t.tick,
    encode(t.seal, 'hex') as seal,
    (
        select i.incarnation::text from floorcast.incarnation as i
        order by i.number desc
        limit 1
    ) as incarnation,
    pg_snapshot_xmax(t.snapshot) > pg_snapshot_xmax(pg_current_snapshot()) as is_foreign,
    pg_current_snapshot()::text as snapshot,
    not exists (select from floorcast.changes_between(t.snapshot, pg_current_snapshot())) as is_clean,
    floorcast.iso(statement_timestamp()) as at,
    (
        select g.role from floorcast.grants as g
        where g.user_id = %(user)s and g.warehouse = %(warehouse)s
    ) as role,
    (
        select w.organization_id from floorcast.known_warehouses() as w
        where w.id = %(warehouse)s
    ) as organization,
    array(
        select g.user_id from floorcast.grants as g
        where %(about_people)s and g.warehouse = %(warehouse)s
    ) as people,
    (
        select coalesce(json_agg(json_build_array(r.policy, r.row)), '[]')::text
        from (
            select
                'floorcast.table_rule' as policy,
                row_to_json(r.*) as row
            from floorcast.table_rule as r
            where r.table_name = any(%(tables)s) and r.action = 'select'
            union all
            select
                'floorcast.column_rule',
                row_to_json(r.*)
            from floorcast.column_rule as r
            where r.table_name = any(%(tables)s)
            union all
            select
                'floorcast.owner_rule',
                row_to_json(r.*)
            from floorcast.owner_rule as r
            where r.table_name = any(%(tables)s)
        ) as r
    ) as rules
from floorcast.tick as t
order by t.tick desc
limit 1;

-- name: catalogue
-- Of tables whose newest rows are asked for: which columns people may read of the table itself, and which are never null.
select
    r.table_name,
    array(
        select a.attname::text from pg_attribute as a
        where
            a.attrelid = r.relation and a.attnum > 0 and not a.attisdropped
            and has_column_privilege('authenticated', r.relation, a.attnum, 'select')
    ) as readable,
    array(
        select a.attname::text from pg_attribute as a
        where a.attrelid = r.relation and a.attnum > 0 and not a.attisdropped and a.attnotnull
    ) as filled
from floorcast.tracked as r
where r.table_name = any(%(tables)s);

-- name: become
-- Until the end of the transaction. The role comes last: after it nothing more could be set for it.
select
    set_config('enable_seqscan', 'on', true),
    set_config('request.jwt.claims', %(claims)s, true),
    set_config('role', %(role)s, true);

-- name: end
-- Nothing was written; rollback also undoes every setting, the role first.
rollback;
