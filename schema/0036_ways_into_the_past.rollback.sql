drop index floorcast.changes_of_law;
drop index floorcast.ticks_by_reach;
