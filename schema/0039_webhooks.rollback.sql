revoke select on table floorcast.consumer, floorcast.consumer_share, floorcast.parked from floorcast_gateway;
drop table floorcast.webhook cascade;
