drop index floorcast.cuts_of_the_trail;
