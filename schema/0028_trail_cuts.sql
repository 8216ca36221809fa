-- depends: 0010_change_trail
-- Where the trail was cut anew, after a restore into another cluster: ticks before it count other transactions.

create index cuts_of_the_trail on floorcast.tick (tick) where count = 0;
comment on index floorcast.cuts_of_the_trail is
'Ticks without changes: the first, and those made by hand after a restore. What asks for the past of a row goes no further back.';
