-- Takes the trail with it: export it first where audit demands that it be kept.
drop sequence floorcast.leader_seen;
drop sequence floorcast.doorbell cascade;
drop table floorcast.tracked cascade;
drop table floorcast.tick cascade;
drop table floorcast.incarnation cascade;
drop table floorcast.change cascade;
drop sequence floorcast.change_seq cascade;
