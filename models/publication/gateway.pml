/* A gateway: service/floorcast/gateway/follower.py with course.py. Part of publication.pml. */


#define IN_FEED(number) ((number) > g_tick && feed[AT(g_history, number)] != 0)
#if TICKS == 2
#define FEED_GOES_ON (IN_FEED(1) || IN_FEED(2))
#elif TICKS == 3
#define FEED_GOES_ON (IN_FEED(1) || IN_FEED(2) || IN_FEED(3))
#else
#define FEED_GOES_ON (IN_FEED(1) || IN_FEED(2) || IN_FEED(3) || IN_FEED(4))
#endif

/* What `course.missing` would find out of Postgres now. */
#define WOULD_LEARN (incarnation != g_history || seal[g_tick] != g_seal || tick > g_tick)

/* `its_seal` by what was heard, `content` by what was read. */
inline deliver(number, its_seal, content)
{
  in_order = (number == g_tick + 1 && content == its_seal && behind[CUT(number, content)] == g_seal);
  assert(in_order);
  g_tick = number; g_seal = its_seal
}

#ifdef CURSORS
/* A cursor that somebody took away, of the newest tick or the one before it, and comes back with whenever a gateway has
 * begun anew: it goes on from there if the name of the history is the same, and its anchor, the newest tick that its
 * maker knew, has the same seal here. Then what the gateway stands at has to come behind it. */
bool taken;
byte c_history, c_tick, c_seal, a_tick, a_seal;

#ifdef UNSEALED_CURSORS
#define AGREES true
#else
#define AGREES (its == a_seal)
#endif

inline walk_back(number)
{
  at = g_tick; its = g_seal;
  do :: at > number -> its = behind[CUT(at, its)]; at-- :: else -> break od
}

inline come_back()
{
  if
  :: taken && c_history == g_history && a_tick <= g_tick ->
     walk_back(a_tick);
     if
     :: AGREES ->
        walk_back(c_tick);
        in_order = (its == c_seal);
        at = 0; its = 0;
        assert(in_order)
     :: else -> at = 0; its = 0 /* must_refetch */
     fi
  :: else -> skip
  fi
}
#endif

proctype gateway()
{
  byte e_tick, e_seal;               /* the entry in hand */
  byte headers[TICKS + 1], through, i;  /* what Postgres has, by its seals */

begin:
  atomic {
    g_history = incarnation; g_tick = tick; g_seal = seal[tick]; following = true;
#ifdef CURSORS
    come_back()
#endif
  };

wait:
end_wait:
  if
#ifdef CURSORS
  :: atomic { !taken -> taken = true; c_history = g_history; a_tick = g_tick; a_seal = g_seal;
       if
       :: c_tick = g_tick; c_seal = g_seal
       :: g_tick > 0 -> c_tick = g_tick - 1; c_seal = behind[CUT(g_tick, g_seal)]
       fi;
       goto wait }
  :: taken -> goto begin /* the process is another one */
#endif
  :: d_step { FEED_GOES_ON ->
       e_tick = g_tick + 1;
       do :: feed[AT(g_history, e_tick)] == 0 -> e_tick++ :: else -> break od;
       e_seal = feed[AT(g_history, e_tick)]
     };
     goto hear
#ifndef NO_LOOK
  /* Nothing came for a second. Where a look would find nothing it changes nothing, so it is left out. */
  :: any && !IS_NEWEST(g_history, g_tick, g_seal) && !FEED_GOES_ON && WOULD_LEARN -> goto consult
#endif
  fi;

hear:
  if
#if defined(ANY_NUMBER)
  :: true -> skip
#elif defined(ANY_SEAL)
  :: e_tick == g_tick + 1 -> skip
#else
  :: e_tick == g_tick + 1 && behind[CUT(e_tick, e_seal)] == g_seal -> skip
#endif
  :: else -> atomic { e_tick = 0; e_seal = 0; goto consult }
  fi;
  if
  :: atomic { deliver(e_tick, e_seal, e_seal); e_tick = 0; e_seal = 0; goto wait }
  :: atomic { e_tick = 0; e_seal = 0; goto consult_one } /* a marker: its data is in Postgres */
  fi;

consult_one:
  atomic {
    if
    :: incarnation != g_history || seal[g_tick] != g_seal -> goto end_all
    :: else -> through = (tick > g_tick -> g_tick + 1 : g_tick); headers[through] = seal[through]; goto read_back
    fi
  };

consult:
  atomic {
    if
    :: incarnation != g_history || seal[g_tick] == 0 -> goto end_all
#ifndef TRUSTING_GATEWAY
    :: incarnation == g_history && seal[g_tick] != 0 && seal[g_tick] != g_seal -> goto end_all
#endif
    :: else ->
       if
       :: tick > g_tick + MOST_MISSING -> following = false; g_seal = 0; goto begin /* trimmed */
       :: else -> through = tick; for (i : 1 .. TICKS) { headers[i] = (i > g_tick -> seal[i] : 0) }; i = 0
       fi
    fi
  };
read_back:
  if
  :: atomic { g_tick >= through -> through = 0 }; goto wait
  :: atomic { g_tick < through ->
#ifndef UNSEALED_PAGES
       if :: seal[g_tick + 1] != headers[g_tick + 1] -> goto end_all :: else -> skip fi;
#endif
#ifdef SKIPPING
       i = through;
#else
       i = g_tick + 1;
#endif
       deliver(i, headers[i], seal[i]);
       headers[i] = 0; i = 0;
       goto read_back
     }
  fi;

end_all:
  atomic {
    assert(restored); /* else they are told in vain */
    following = false; through = 0; g_tick = 0; g_seal = 0; g_history = 0;
    for (i : 0 .. TICKS) { headers[i] = 0 }; i = 0;
    goto begin
  }
}
