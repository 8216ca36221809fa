/* From the tick to the gateway: is there an order of events in which a tick is lost, doubled, or waited for in silence?
 *
 * A relay is service/floorcast/relay/relay.py with publication.py and leadership.py; closing a tick is
 * triggers/4_tick/close_tick.sql; publishing one is service/floorcast/stream/lua/publish_tick.lua, each call of which is
 * one step; the gateway is service/floorcast/gateway/follower.py with course.py.
 *
 * What goes wrong here: a leader is stopped between any two steps, another takes over, and the first wakes up with its
 * session gone, or with its session alive and only the lock lost; a relay dies; Redis does not answer, and has done what
 * it was asked, or half of it, or nothing; it is emptied, forgets old entries, loses keys, or is again what it was some
 * ticks ago. With RESTORE, Postgres is again what it was some ticks ago, too. The gateway begins at any time.
 *
 * The properties:
 *   the gateway delivers tick t+1 behind tick t and nothing else: no gap, no double, no other history;
 *   what the logs say is complete (service/floorcast/stream/chain.py), is complete;
 *   once nothing moves any more, Redis and the gateway are where Postgres is;
 *   without a restore of Postgres no other history begins, and nobody is told that one did.
 *
 * GATEWAY and LOGS choose what is looked at, since both at once would be their product. The parts that only one of them
 * needs, and what goes wrong, are in publication/.
 */
#ifndef TICKS
#define TICKS 3
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#define RELAYS 2
#define MOST_REPAIRED (TICKS - 2) /* publication.REPAIR_TICKS */
#define MOST_MISSING (TICKS - 1) /* course.MOST_MISSING */
#ifdef RESTORE
#define CUTS 2 /* of one number: Postgres is restored once at most */
#define HISTORIES 5
#else
#define CUTS 1
#define HISTORIES 1
#endif
#ifdef NO_FENCE
#undef CUTS
#define CUTS 3
#endif

#define NOBODY 255
#define AT(history, number) ((history) * (TICKS + 1) + (number))
#define CUT(number, its_seal) (((its_seal) - 1) * (TICKS + 1) + (number))

/* ------------------------------------------------------------------------------------------------------- Postgres */

byte tick;                         /* the newest */
byte seal[TICKS + 1];              /* of each tick that is there, else 0: counts the cuts that ever had its number */
byte incarnation;                  /* the current one */
bool begun[HISTORIES];             /* which incarnations there are */
byte incarnations = 1;             /* how many ever were */
byte leader = NOBODY;              /* who holds the lock */
bool session[RELAYS];              /* whose session lives */
bool restored;

/* What every cut was, for the properties: the seal behind which it came, and whether it concerned the warehouse. */
byte cuts[TICKS + 1];
byte behind[CUTS * (TICKS + 1)];
bool concerns[CUTS * (TICKS + 1)];

/* ---------------------------------------------------------------------------------------------------------- Redis */

bool any;                          /* `newest` is there, and says: */
byte r_history, r_tick, r_seal;
byte feed[HISTORIES * (TICKS + 1)]; /* the seal of each entry, else 0 */

/* --------------------------------------------------------------------------------------------------- the gateway */

byte g_history, g_tick, g_seal;    /* its course */
bool following;

byte faults;
#define FAULT faults < FAULTS -> faults++

hidden byte at, its, in_order, nobody_waits; /* scratch */

#ifdef LOGS
#include "publication/logs.pml"
#endif

/* -------------------------------------------------------------------------------------------------------- a relay */

inline cut_tick()
{
  cuts[n_tick + 1]++;
  tick = n_tick + 1;
  seal[tick] = cuts[tick];
  behind[CUT(tick, seal[tick])] = seal[n_tick];
#ifdef LOGS
  if :: concerns[CUT(tick, seal[tick])] = true :: concerns[CUT(tick, seal[tick])] = false fi;
#endif
  h_tick = tick; h_seal = seal[tick]
}

/* publish_tick.lua: compares with what the caller believes is published, and sets. */
inline publish_tick(anew, x_any, x_history, x_tick, x_seal, halfway)
{
  d_step {
#ifdef NO_COMPARISON
    refused = false;
#elif defined(NUMBER_ONLY)
    refused = !(x_any == any && (!any || x_tick == r_tick));
#else
    refused = !(x_any == any && (!any || (x_history == r_history && x_tick == r_tick && x_seal == r_seal)));
#endif
    if
    :: refused -> skip
    :: else ->
       if
       :: anew -> for (at : 0 .. TICKS) { feed[AT(n_history, at)] = 0 }; at = 0
       :: else -> skip
       fi;
#ifdef LOGS
       publish_logs(halfway);
#endif
       if
       :: halfway -> skip
       :: else -> feed[AT(n_history, h_tick)] = h_seal; any = true; r_history = n_history; r_tick = h_tick; r_seal = h_seal
       fi;
#ifdef LOGS
       check_log()
#endif
    fi
  }
}

/* A question to Postgres: its answer, or the session is gone and so is the lead. */
#define ASK(what) atomic { if :: !session[me] -> goto lost :: session[me] -> what fi }

/* A call to Redis: done and answered; or done, or not, and no answer. Whoever was stopped may be dead instead. */
#define CALL(what, then) \
  if \
  :: atomic { what; then } \
  :: atomic { FAULT; what; goto unanswered } \
  :: atomic { FAULT; goto unanswered } \
  :: !session[me] -> goto lost \
  fi

#ifdef LOGS
#define HALF_DONE(anew, x_any, x_history, x_tick, x_seal) \
  :: atomic { FAULT; publish_tick(anew, x_any, x_history, x_tick, x_seal, true); goto unanswered }
#else
#define HALF_DONE(anew, x_any, x_history, x_tick, x_seal)
#endif

#define PUBLISH(anew, x_any, x_history, x_tick, x_seal, then) \
  if \
  :: atomic { publish_tick(anew, x_any, x_history, x_tick, x_seal, false); then } \
  :: atomic { FAULT; publish_tick(anew, x_any, x_history, x_tick, x_seal, false); goto unanswered } \
  HALF_DONE(anew, x_any, x_history, x_tick, x_seal) \
  :: atomic { FAULT; goto unanswered } \
  :: !session[me] -> goto lost \
  fi

#define BELIEVE(history, number, its_seal) b_any = true; b_history = history; b_tick = number; b_seal = its_seal
#define IS_NEWEST(history, number, its_seal) (any && r_history == history && r_tick == number && r_seal == its_seal)

/* For the checker: what is not looked at any more is the same state. */
#define FORGET s_any = false; s_history = 0; s_tick = 0; s_seal = 0; n_tick = 0; h_tick = 0; h_seal = 0
#define ARRIVED in_step = true; FORGET; goto lead

proctype relay(byte me)
{
  bool in_step, refused;
  bool b_any; byte b_history, b_tick, b_seal; /* how far it is published, as far as it knows */
  bool s_any; byte s_history, s_tick, s_seal; /* what Redis said */
  byte n_history, n_tick;                     /* what Postgres said */
  byte h_tick, h_seal;                        /* the tick in hand */

  if :: session[me] -> goto catch_up :: else -> skip fi;

standby:
end_standby:
  atomic { leader == NOBODY -> leader = me; session[me] = true };

catch_up:
  CALL(in_step = false; s_any = any; s_history = r_history; s_tick = r_tick; s_seal = r_seal, skip);
  ASK(n_tick = tick; n_history = incarnation);
  ASK(
    h_tick = n_tick; h_seal = seal[n_tick];
    if
    :: !s_any -> goto begin_feed
#ifdef TRUSTING
    :: s_any && !begun[s_history] -> goto begin_incarnation
#else
    :: s_any && !(begun[s_history] && seal[s_tick] == s_seal) -> goto begin_incarnation
#endif
    :: else ->
       if
       :: s_history != n_history -> goto begin_feed
       :: s_history == n_history && n_tick > s_tick + MOST_REPAIRED -> goto begin_feed
       :: else -> BELIEVE(s_history, s_tick, s_seal); goto repair
       fi
    fi);

begin_incarnation:
  ASK(
    assert(restored); /* else it begins in vain */
    incarnation = incarnations; incarnations++; begun[incarnation] = true;
    n_history = incarnation; n_tick = tick; h_tick = n_tick; h_seal = seal[n_tick]);

begin_feed:
  PUBLISH(true, s_any, s_history, s_tick, s_seal,
    if :: refused -> goto lost :: else -> BELIEVE(n_history, h_tick, h_seal); ARRIVED fi);

repair:
  ASK(
    if
    :: b_tick >= n_tick -> ARRIVED
    :: else -> h_tick = b_tick + 1; h_seal = seal[h_tick]
    fi);
  PUBLISH(false, true, b_history, b_tick, b_seal,
    if :: refused -> goto lost :: else -> BELIEVE(n_history, h_tick, h_seal); goto repair fi);

unanswered:
  atomic { refused = false; in_step = false; FORGET };

lead:
end_lead:
  if
  :: atomic { session[me] && tick < TICKS -> n_tick = tick } /* something is new: the snapshot is taken, */
  :: !in_step -> goto catch_up
  /* Found out by a sign of life and the progress after it, once a second: somebody else published, or closed a tick. */
  :: in_step && !IS_NEWEST(b_history, b_tick, b_seal) -> goto catch_up
#ifndef BLIND_PROGRESS
  :: in_step && (tick > b_tick || incarnation != b_history) -> goto catch_up
#endif
  :: !session[me] -> goto lost
  fi;
  ASK( /* and the tick inserted: its primary key knows whether somebody else did */
    if
#ifndef NO_FENCE
    :: tick != n_tick -> goto lost
#endif
    :: else -> cut_tick()
    fi;
    if
    :: in_step && b_tick == h_tick - 1 -> in_step = false
    :: else -> goto catch_up
    fi);
publish:
  PUBLISH(false, b_any, b_history, b_tick, b_seal,
    if :: refused -> refused = false; FORGET; goto catch_up :: else -> BELIEVE(n_history, h_tick, h_seal); ARRIVED fi);

lost:
  atomic {
    if :: leader == me -> leader = NOBODY :: else -> skip fi;
    session[me] = false; in_step = false; refused = false;
    b_any = false; b_history = 0; b_tick = 0; b_seal = 0;
    n_history = 0; FORGET
  };
  goto standby
}

#ifdef GATEWAY
#include "publication/gateway.pml"
#endif
#include "publication/faults.pml"

/* When nothing moves any more, all is where Postgres is: else somebody waits in silence. */
active proctype judge()
{
  timeout -> atomic {
    nobody_waits = (tick == TICKS && IS_NEWEST(incarnation, tick, seal[tick]));
#ifdef GATEWAY
    nobody_waits = nobody_waits && following && g_history == incarnation && g_tick == tick && g_seal == seal[tick];
#endif
    assert(nobody_waits)
  }
}

init {
  atomic {
    seal[0] = 1; cuts[0] = 1; begun[0] = true; leader = 0; session[0] = true;
    run relay(0); run relay(1);
#ifdef GATEWAY
    run gateway()
#endif
    skip
  }
}
