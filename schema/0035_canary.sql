-- depends: 0010_change_trail
-- Changes that gateways make themselves, now and then: each takes the way that every change takes, so that whoever sees it come
-- knows that the way is open, and how long it is.
--
-- A thousand rows that are written in turn, not one: the trail finds a row's history by its key, and a key that is written ten
-- thousand times a day would make that index slow for as long as its partition lives.

create table floorcast.canary (
    slot integer primary key,
    beat bigint not null,
    written_at timestamptz not null,
    constraint a_canary_has_one_of_a_thousand_slots check (slot = beat % 1000)
);

comment on table floorcast.canary is
'The last thousand canaries: changes that only tell that changes arrive. Tracked; gateways look at them and send them to nobody.';
comment on column floorcast.canary.slot is 'beat modulo 1000: rows are written over in turn.';
comment on column floorcast.canary.beat is 'Counts them. The newest has the largest.';
comment on column floorcast.canary.written_at is 'The server''s clock.';
