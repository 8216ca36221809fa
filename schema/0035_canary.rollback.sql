drop table floorcast.canary cascade;
