/*
 * The allocation lock: the kernel's lock, the word that names a holder, and the epoch. Two streams' writers and one
 * process that has no stream (it opens the store, frees, or is a writer's thread) enter the section again and again,
 * each killed at any step.
 *
 * Mirrors
 *   session, lease   StreamLease.init, StreamLease.release
 *   inTurn           AllocationLock.withFileLock, StoreFile.takeHolder(through:)
 *   atOnce           AllocationLock.withLockAtOnce, StoreFile.takeHolder(forWriterOf:)
 *
 * A kill is a process that stops between two steps; the kernel drops its locks, and nobody gives the word back. A section
 * that throws leaves the epoch odd and gives the word back.
 *
 * Memory is sequentially consistent here: the word is taken by an exchange with acquire and given back with release.
 * Abstracted: what is done in a section is one flag, which says that lists are half changed.
 *
 * Bounds: each process enters the section three times, and three times again after each of two kills.
 */

#define WRITERS   2
#define PROCESSES 3
#define NOBODY    PROCESSES
#define LOCKER    (PROCESSES + 1)
#ifndef KILLS
#define KILLS     2
#endif
#define SECTIONS  3

byte allocation = NOBODY;         /* the kernel's lock */
byte streamLock[WRITERS] = NOBODY;
byte word = NOBODY;
bit epoch;

byte kills;
byte inside = NOBODY;             /* who changes lists */
bit broken;                       /* they are half changed */
byte ended;

#define STEP(change)  atomic { if :: kills < KILLS -> kills++; goto killed :: true fi; change }

/* Two steps, so that whoever comes in between is seen. */
inline changeLists() {
  STEP(assert(inside == NOBODY && !broken); inside = s; broken = 1);
  STEP(assert(inside == s); inside = NOBODY; broken = 0)
}

inline rebuild() {
  STEP(assert(inside == NOBODY); inside = s; broken = 1);
  STEP(assert(inside == s); inside = NOBODY; broken = 0)
}

inline giveBack() {
#ifdef GIVEN_BACK_BEFORE_THE_EPOCH
  STEP(word = NOBODY);
  STEP(epoch = 0)
#else
  STEP(epoch = 0);
  STEP(word = NOBODY)
#endif
}

#define IS_WRITER(holder)  (holder < WRITERS)
/* The kernel does not name a lock to the one who has it. */
#define LIVES(holder)      (streamLock[holder] != NOBODY && streamLock[holder] != s)
#ifdef STEALS_FROM_THE_LIVING
#define IS_AWAITED(holder) false
#elif defined(WAITS_FOR_THE_DEAD)
#define IS_AWAITED(holder) IS_WRITER(holder)
#else
#define IS_AWAITED(holder) (IS_WRITER(holder) && LIVES(holder))
#endif

proctype participant(byte s) {
  byte seen = NOBODY, sections;
  bit taken;
next:
  if
  :: sections == SECTIONS -> goto finished
  :: sections < SECTIONS && IS_WRITER(s) && streamLock[s] == s -> sections++; goto atOnce
  :: sections < SECTIONS -> sections++; goto inTurn
  fi;

atOnce:
#ifdef AT_ONCE_WITHOUT_THE_WORD
  STEP(taken = 1);
#else
  STEP(if :: word == NOBODY -> word = s; taken = 1 :: else -> taken = 0 fi);
#endif
  if
  :: !taken -> goto inTurn
#ifndef AT_ONCE_WITHOUT_THE_EPOCH
#ifdef KEEPS_THE_WORD
  :: taken && epoch -> taken = 0; goto inTurn
#else
  :: taken && epoch -> taken = 0; STEP(word = NOBODY); goto inTurn
#endif
#endif
  :: else -> taken = 0
  fi;
  STEP(epoch = 1);
  changeLists();
  giveBack();
  goto next;

inTurn:
  STEP(allocation == NOBODY -> allocation = s);
#ifndef IN_TURN_WITHOUT_THE_WORD
  do
  :: taken -> break
  :: !taken ->
    STEP(seen = word);
    if
    :: IS_AWAITED(seen) -> word != seen || !IS_AWAITED(seen)
    :: else ->
#ifdef TAKEN_BY_A_STORE
      STEP(word = LOCKER; taken = 1)
#else
      STEP(if :: word == seen -> word = LOCKER; taken = 1 :: else fi)
#endif
    fi
  od;
  taken = 0; seen = NOBODY;
#endif
  if
#ifndef WITHOUT_REBUILD
  :: epoch -> rebuild()
#endif
  :: else
  fi;
  STEP(epoch = 1);
  if
  :: true -> changeLists()
  :: true -> /* It throws. */
    STEP(assert(inside == NOBODY && !broken); broken = 1);
    STEP(word = NOBODY);
    STEP(allocation = NOBODY);
    goto next
  :: IS_WRITER(s) && streamLock[s] == NOBODY -> STEP(streamLock[s] = s)
  fi;
  giveBack();
  STEP(allocation = NOBODY);
  goto next;

finished:
#ifdef REACHES_THE_END
  assert(kills < KILLS || ended < PROCESSES - 1);
#endif
  atomic {
    ended++;
    if :: IS_WRITER(s) && streamLock[s] == s -> streamLock[s] = NOBODY :: else fi;
    goto gone
  };
killed:
  atomic {
    if :: allocation == s -> allocation = NOBODY :: else fi;
    if :: IS_WRITER(s) && streamLock[s] == s -> streamLock[s] = NOBODY :: else fi;
    if :: inside == s -> inside = NOBODY :: else fi;
    taken = 0; seen = NOBODY; sections = 0;
    goto next
  };
gone:
  skip
}

init { atomic { run participant(0); run participant(1); run participant(2) } }
