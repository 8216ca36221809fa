/* What goes wrong, in any order, as often as FAULTS says. Part of publication.pml. */


#define SOME_TICK if :: to = 0 :: to = 1 :: to = 2 :: to = 3 :: to = TICKS fi

active proctype fate()
{
  byte to;

end:
  do
  :: atomic { leader != NOBODY && FAULT; session[leader] = false; leader = NOBODY } /* ended by a standby, or dead */
#ifndef KEEP_THE_LOCK
  :: atomic { leader != NOBODY && FAULT; leader = NOBODY } /* a lock is not a lease */
#endif

  /* Redis is emptied. */
  :: atomic { any && FAULT;
       d_step {
         for (to : 0 .. HISTORIES - 1) {
           for (at : 0 .. TICKS) { feed[AT(to, at)] = 0 };
#ifdef LOGS
           forget_log(to); forget_hash(to)
#endif
         };
         any = false; r_history = 0; r_tick = 0; r_seal = 0; at = 0; to = 0
       }
     }

  /* Redis is as it was at tick `to`: restored, or a replica without the tail. */
  :: atomic { any && r_tick > 0 && FAULT;
       SOME_TICK;
       d_step {
         if
#ifdef LOGS
         :: to < r_tick && known[r_history] && to >= whole[r_history] ->
#else
         :: to < r_tick ->
#endif
            do :: r_tick > to -> r_seal = behind[CUT(r_tick, r_seal)]; r_tick-- :: else -> break od;
            for (at : 0 .. TICKS) { if :: at > to -> feed[AT(r_history, at)] = 0 :: else -> skip fi };
#ifdef LOGS
            upto[r_history] = to; named[r_history] = 0; at = to; its = r_seal;
            do
            :: at > 0 && at >= whole[r_history] && !concerns[CUT(at, its)] -> its = behind[CUT(at, its)]; at--
            :: else -> break
            od;
            if
            :: at > 0 && at >= whole[r_history] -> named[r_history] = at; last[r_history] = at; logged[r_history] = true;
               for (at : 0 .. TICKS) {
                 if :: at > to -> entry[AT(r_history, at)] = 0; follows[AT(r_history, at)] = 0 :: else -> skip fi
               }
            :: else -> forget_log(r_history)
            fi
#endif
         :: else -> skip
         fi;
         at = 0; its = 0; to = 0;
#ifdef LOGS
         check_log()
#endif
       }
     }

#ifdef GATEWAY
  /* The feed is trimmed, as far as may be. */
  :: atomic { any && r_tick > 0 && FAULT;
       d_step {
         for (at : 0 .. TICKS) { if :: at < r_tick -> feed[AT(r_history, at)] = 0 :: else -> skip fi };
         at = 0
       }
     }
#endif

#ifdef LOGS
  /* A log is trimmed up to tick `to`, at a publication or by trim_logs.lua; */
  :: atomic { any && r_tick > 0 && FAULT;
       SOME_TICK;
       d_step {
         if
         :: to <= r_tick ->
            for (at : 0 .. TICKS) {
              if :: at < to -> entry[AT(r_history, at)] = 0; follows[AT(r_history, at)] = 0 :: else -> skip fi
            }
         :: else -> skip
         fi;
         at = 0; to = 0;
         check_log()
       }
     }
  /* forgotten by trim_logs.lua, where nothing happened from there on; */
  :: atomic { any && known[r_history] && named[r_history] != 0 && FAULT;
       d_step {
#ifndef TRIM_FORGETS
         if :: whole[r_history] <= named[r_history] -> whole[r_history] = named[r_history] + 1 :: else -> skip fi;
#endif
         forget_log(r_history);
         named[r_history] = 0;
         check_log()
       }
     }
  /* deleted, or the hash of what the logs know is: by an operator, by eviction, by a relay of another history. */
  :: atomic { any && FAULT; d_step { forget_log(r_history); check_log() } }
  :: atomic { any && FAULT; d_step { forget_hash(r_history); check_log() } }
#endif

#ifdef RESTORE
  /* Another Postgres, as the first was at tick `to`: every session ends. */
  :: atomic { tick > 0 && !restored;
       SOME_TICK;
       d_step {
         if
         :: to < tick ->
            restored = true;
            do :: tick > to -> seal[tick] = 0; tick-- :: else -> break od;
            leader = NOBODY; session[0] = false; session[1] = false
         :: else -> skip
         fi;
         to = 0
       }
     }
#endif
  od
}
