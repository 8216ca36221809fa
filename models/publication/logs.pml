/* The logs of places, as publish_tick.lua writes and service/floorcast/stream/chain.py reads them. One place stands for
 * all, since they do not touch each other. Part of publication.pml.
 */

/* What the logs know: everything from tick `whole` on and up to tick `upto`; the newest tick of the place, 0 for none. */
bool known[HISTORIES];
byte whole[HISTORIES], upto[HISTORIES], named[HISTORIES];
/* The log: whether it is there, the newest id that it ever had; of its entries the seals, else 0, and behind what each is. */
bool logged[HISTORIES];
byte last[HISTORIES];
byte entry[HISTORIES * (TICKS + 1)], follows[HISTORIES * (TICKS + 1)];

hidden byte after, limit, came_to, sound, missing, complete;

#define ENTRY(number) entry[AT(r_history, number)]
#define LINK(number) follows[AT(r_history, number)]

/* chain.proven, for a reader who holds tick `after` and asks up to `limit`: what it calls complete has to be. */
inline check_log()
{
  if
  :: any && known[r_history] && r_tick == upto[r_history] ->
     for (after : 0 .. TICKS) {
       for (limit : 1 .. TICKS) {
         sound = (after < limit && limit <= r_tick); missing = false; came_to = 0;
         if
         :: sound && named[r_history] == 0 ->
#ifndef TRUST_THE_UNNAMED
            sound = (whole[r_history] <= after + 1);
#endif
            skip
         :: sound && named[r_history] > after ->
            for (at : 1 .. TICKS) {
              if
              :: sound && at > after && at <= limit && ENTRY(at) != 0 ->
#ifndef NO_LINKS
                 sound = (came_to == 0 -> LINK(at) <= after : LINK(at) == came_to);
#endif
                 came_to = at
              :: else -> skip
              fi
            };
            if
            :: named[r_history] <= limit -> sound = sound && came_to == named[r_history]
            :: else ->
               at = limit + 1;
               do :: at < TICKS && ENTRY(at) == 0 -> at++ :: else -> break od;
#ifndef NO_LINKS
               sound = sound && at <= TICKS && ENTRY(at) != 0 && (came_to == 0 -> LINK(at) <= after : LINK(at) == came_to)
#endif
            fi
         :: else -> skip
         fi;
         /* The truth, backwards from the newest tick. A log that the hash does not name is not read. */
         at = r_tick; its = r_seal;
         do
         :: sound && at > after ->
            missing = missing || (at <= limit &&
              (named[r_history] > after -> ENTRY(at) : 0) != (concerns[CUT(at, its)] -> its : 0));
            its = behind[CUT(at, its)];
            at--
         :: else -> break
         od;
         complete = (!sound || !missing);
         assert(complete)
       }
     }
  :: else -> skip
  fi;
  after = 0; limit = 0; came_to = 0; at = 0; its = 0; sound = false; missing = false
}

inline forget_log(history)
{
  logged[history] = false; last[history] = 0;
  for (at : 0 .. TICKS) { entry[AT(history, at)] = 0; follows[AT(history, at)] = 0 }
  at = 0
}

inline forget_hash(history) { known[history] = false; whole[history] = 0; upto[history] = 0; named[history] = 0 }

/* The logs' part of publish_tick.lua, before `newest` is set. */
inline publish_logs(halfway)
{
  if
#ifdef HASH_GOES_ON
  :: r_history == n_history && known[n_history] -> skip
#else
  :: any && r_history == n_history && h_tick == r_tick + 1 && known[n_history] && upto[n_history] == r_tick -> skip
#endif
  :: else -> forget_hash(n_history); its = h_tick /* whole from here on, once it is written */
  fi;
  if
  :: known[n_history] -> its = whole[n_history]
  :: else -> skip
  fi;
  if
  :: concerns[CUT(h_tick, h_seal)] ->
     if
     :: named[n_history] == 0 && logged[n_history] -> forget_log(n_history)
     :: else -> skip
     fi;
#ifndef HALF_IS_KEPT
     if
     :: last[n_history] >= h_tick -> forget_log(n_history)
     :: else -> skip
     fi;
#endif
     if
     :: last[n_history] < h_tick ->
        entry[AT(n_history, h_tick)] = h_seal;
        follows[AT(n_history, h_tick)] = (named[n_history] != 0 -> named[n_history] : (its > 0 -> its - 1 : 0));
        logged[n_history] = true; last[n_history] = h_tick
     :: else -> skip
     fi
  :: else -> skip
  fi;
  if
  :: halfway -> skip
  :: else ->
     if :: concerns[CUT(h_tick, h_seal)] -> named[n_history] = h_tick :: else -> skip fi;
     known[n_history] = true; upto[n_history] = h_tick; whole[n_history] = its
  fi;
  its = 0
}
