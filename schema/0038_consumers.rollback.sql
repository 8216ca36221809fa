drop table floorcast.parked cascade;
drop table floorcast.consumer_share cascade;
drop table floorcast.consumer cascade;
