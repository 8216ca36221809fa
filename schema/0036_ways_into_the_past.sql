-- depends: 0028_trail_cuts
-- Ways into the past for whoever was away: both skip what happened meanwhile and is not his business.

-- The tick in which a transaction was seen is, nearly always, the first one whose snapshot reaches past its number. Without this it
-- is found by halving, some twenty looks for each transaction of a page: most of the time that reading a page takes.
create index ticks_by_reach on floorcast.tick (pg_snapshot_xmax(snapshot));
comment on index floorcast.ticks_by_reach is
'From a transaction to its tick: resuming from the trail asks for the last tick that was closed before the transaction began.';

-- What says who may see what belongs to no one warehouse, and is asked for by everybody who comes back. It changes so rarely that
-- nearly no write pays for this, and a weekend of other changes is not read through for it.
-- Building it reads the whole trail and holds writers up meanwhile. On a long trail build one per partition beforehand with `create
-- index concurrently … on floorcast.change_… (xid, seq) where table_name in (…)`: this statement finds them and builds none.
create index changes_of_law on floorcast.change (xid, seq) where table_name in (
    'floorcast.grants',
    'floorcast.table_rule',
    'floorcast.column_rule',
    'floorcast.owner_rule',
    'floorcast.tracked',
    'warehouses'
);
comment on index floorcast.changes_of_law is
'What was done to access between two ticks: grants, rules, which tables are tracked, warehouses. Partial, since little of the trail is that.';
