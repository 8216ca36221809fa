/* The adaptive doorbell: is there an order of events in which a commit waits, and nobody knows of it?
 *
 * Writers are triggers/3_doorbell/ring.sql in transactions of several statements, with savepoints and rollbacks. The
 * leader is service/floorcast/relay/relay.py: drain, idle, busy. The bell is service/floorcast/database/doorbell.py, on
 * a session of its own.
 *
 * What goes wrong here, as often as you like: the leader dies or is replaced between any two steps, and all that its
 * session held is gone; the bell's session ends; the server crashes, and with it every open transaction. The deadline of
 * the busy state may pass at any time, so a writer may find it passed whenever it looks.
 *
 * The leader looks when the bell rings and never by itself: what is proved here needs no safety look, except with DEAF,
 * where the bell's session is cut without a word.
 *
 * The property: once nothing goes wrong any more and nobody writes, the leader falls asleep with nothing unread.
 * Transactions and faults are not counted, so there is no bound on either.
 */
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef STATEMENTS
#define STATEMENTS 2 /* of a transaction, at most */
#endif

bool busy;          /* floorcast.doorbell holds a time that has not passed; read past MVCC */
byte silent;        /* how many transactions hold K shared */
bool asleep;        /* the leader holds K exclusively */
bool open[WRITERS]; /* whose transaction the server knows */
bool listening;     /* LISTEN was answered, and the bell's session lives */
bool in_flight;     /* a notification is on its way; several are as good as one */
bool rung;          /* Bell._rung */
bool failed;        /* Bell._failure */
bool unread;        /* something is committed that no tick has */
bool calm;          /* nothing goes wrong any more */
byte finished;      /* writers that write no more */
hidden byte all_read;

/* ------------------------------------------------------------------------------------------------------- a writer */

/* A step of a transaction: if the server has crashed since it began, the transaction is gone without a trace. */
#define STEP(what) atomic { if :: !open[me] -> goto gone :: open[me] -> what fi }

/* pg_try_advisory_xact_lock_shared(K), to the end of the transaction, or of the savepoint that it was taken in. */
inline stay_silent_or_ring()
{
  if
#ifdef BLIND
  :: sees_busy -> skip
#else
  :: sees_busy && !asleep ->
#ifndef LET_GO
     if :: holds -> skip :: else -> silent++; holds = true fi
#else
     skip
#endif
  :: sees_busy && asleep -> rings = true
#endif
  :: !sees_busy -> rings = true
  fi;
  sees_busy = false
}

inline next_statement() { statements++; held = false; rang = false }

inline ring() { if :: rings && listening -> in_flight = true :: else -> skip fi; rings = false }

inline unlock() { if :: holds -> silent-- :: else -> skip fi; holds = false }

proctype writer(byte me)
{
  byte statements;
  bool sees_busy, holds, rings, wrote, held, rang;
#ifdef REMEMBERED
  bool decided;
#endif

  do
  :: open[me] = true;
     do
     :: statements < STATEMENTS ->
        STEP(held = holds; rang = rings; if :: sees_busy = busy :: sees_busy = false fi);
#ifdef REMEMBERED
        STEP(if :: decided -> skip :: else -> stay_silent_or_ring(); decided = true fi);
#else
        STEP(stay_silent_or_ring());
#endif
        if
        :: STEP(wrote = true; next_statement())
        :: /* In a savepoint that is rolled back: its rows, its bell and its own hold of K go with it. */
           STEP(if :: holds && !held -> silent--; holds = false :: else -> skip fi; rings = rang; next_statement())
        fi
     :: break
     od;
     if
     :: STEP(if :: wrote -> unread = true :: else -> skip fi)
     :: STEP(rings = false) /* rolled back */
     fi;
     /* Visible by now. Which of the two comes first is another thing in another version of PostgreSQL. */
     if
     :: STEP(ring()); STEP(unlock())
     :: STEP(unlock()); STEP(ring())
     fi;
gone:
     atomic {
       open[me] = false; statements = 0; sees_busy = false; holds = false; rings = false; wrote = false; held = false;
       rang = false;
#ifdef REMEMBERED
       decided = false;
#endif
     }
  :: break
  od;
  finished++
}

/* ------------------------------------------------------------------------------------------------ the bell's session */

active proctype bell()
{
end:
  do
  :: atomic { in_flight -> in_flight = false; rung = true }
  :: atomic { listening && !calm ->
       listening = false; in_flight = false;
#ifdef DEAF
       skip
#elif defined(UNNOTICED)
       failed = true
#else
       failed = true; rung = true /* wakes the waiter, who then looks and learns what happened */
#endif
     }
  od
}

/* ------------------------------------------------------------------------------------------------------- the leader */

/* What its sessions held is gone: another leads, or the same one again. */
inline let_go() { asleep = false; listening = false; in_flight = false; rung = false; failed = false; heard = false }

inline server_crash()
{
  busy = false; /* an unlogged sequence */
  silent = 0;
  open[0] = false;
#if WRITERS > 1
  open[1] = false;
#endif
#if WRITERS > 2
  open[2] = false;
#endif
}

/* Instead of any step the leader or the whole server may be gone. */
#define OR_GONE \
  :: atomic { !calm -> let_go(); goto lead } \
  :: atomic { !calm -> server_crash(); let_go(); goto lead }

#define DO(what) if :: what OR_GONE fi

/* A tick is closed: one statement, one snapshot. */
#define READ DO(unread = false)

/* Bell.clear: raises what ended the bell's session, and leading begins again. */
#define CLEAR atomic { if :: failed -> let_go(); goto lead :: !failed -> heard = rung; rung = false fi }

active proctype leader()
{
  bool heard;

lead:
#ifndef LISTEN_LATE
  listening = true;
#endif
drain:
  DO(busy = false);
  do
#ifdef NO_WAIT
  :: asleep = true; break
#else
  :: atomic { silent == 0 -> asleep = true }; break
#endif
  :: silent > 0 ->
     READ;
     CLEAR;
     if
     :: atomic { heard -> heard = false }; goto go_busy /* a silent writer stays open while others ring for all they do */
     :: !heard
     fi
  OR_GONE
  od;
#ifndef NO_LAST_READ
  READ;
#endif
#ifdef LISTEN_LATE
  listening = true;
#endif
#ifdef SWALLOW
  CLEAR;
  heard = false;
#endif

idle:
end_idle:
  if
#if defined(DEAF) && !defined(NO_SAFETY_LOOK)
  :: rung || unread /* once a second; where it would find nothing it changes nothing, so it is left out */
#else
  :: rung
#endif
  OR_GONE
  fi;
#ifdef CLEAR_LATE
  READ;
  CLEAR;
#else
  CLEAR;
  READ;
#endif
  heard = false;
  if :: goto idle :: goto go_busy fi;

go_busy:
#ifdef ALWAYS
  goto drain;
#endif
  DO(busy = true);
  DO(asleep = false);
  do
  :: READ
  :: goto drain
  od
}

active proctype fate() { calm = true }

/* When nothing moves any more, everything has been read. */
active proctype judge() { timeout -> atomic { all_read = (finished == WRITERS && !unread); assert(all_read) } }

init { atomic { byte i; for (i : 0 .. WRITERS - 1) { run writer(i) } } }
