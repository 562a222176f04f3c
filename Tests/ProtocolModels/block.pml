/*
 * One block through two lives, under weak memory: append, seal, reclaim, install, append again, and a reader that may
 * look at any time. Invariants I1 and I2.
 *
 * Mirrors
 *   writer     BlockAppender.append, BlockHeader.writeSeal
 *   reclaimer  BlockHeader.values (from BlockPool.firstLoose), AtomicUInt64.beginChange (from BlockPool.recycle and
 *              claim), BlockPool.install, BlockHeader.writeIdentity, BlockAppender.append
 *   reader     BlockHeader.values, BlockWindow.refresh, BlockWindow.frame and FrameLane.next, Frame.withBytes
 *
 * Memory is weak, as weakmemory.pml says. Payloads and entries are plain accesses in the engine and relaxed ones here.
 *
 * Bounds: two lives, one or two frames in each; one reader, which steps through what it finds and looks again once.
 * Two words stand for a frame: its entry and its bytes, at the same place in both lives. Each word's value is the life
 * that stored it; a commit word is life * 4 + count. The engine's words do not say their life: only assertions look.
 */

#define GENERATION 0
#define COMMIT     1
#define STATE      2
#define FIRST      3 /* first ordinal, for all identity fields */
#define LAST       4 /* last position, for all fields of the seal */
#define ENTRY(k)   (5 + (k))
#define BYTES(k)   (7 + (k))
#define PLACES     9
#define STORES     36
#define PREAMBLE   9 /* the value of payload bytes that a preamble was written over */

#define CLAIMED 2
#define OPEN    3
#define SEALED  4

#include "weakmemory.pml"

/* A generation is 2 * life, odd after the life's end. */
#ifdef SAME_GENERATION_TWICE /* Generation.following does not count */
#define FOLLOWING 2
#else
#define FOLLOWING 4
#endif
#define COMMITTED(count) (life * 4 + (count))

byte acknowledged;       /* frames of life 1 whose append has returned */
byte acknowledgedAt;     /* the log at that moment */

/* AtomicUInt64.isStill; to `over` when it is not. */
inline check(expected) {
#ifndef WITHOUT_ACQUIRE_FENCE
  acquireFence();
#endif
  load(GENERATION, RELAXED, value);
  if
  :: value != expected -> goto over
  :: else
  fi
}

/* Frame k of `life`: BlockAppender.append. */
inline append(k) {
#ifdef COMMIT_BEFORE_ENTRY
  store(BYTES(k), life, RELAXED);
  store(COMMIT, COMMITTED(k + 1), ORDERED);
  store(ENTRY(k), life, RELAXED);
#else
#ifdef COMMIT_BEFORE_PAYLOAD
  store(ENTRY(k), life, RELAXED);
  store(COMMIT, COMMITTED(k + 1), ORDERED);
  store(BYTES(k), life, RELAXED);
#else
  store(BYTES(k), life, RELAXED);
  store(ENTRY(k), life, RELAXED);
#ifdef COMMIT_RELAXED
  store(COMMIT, COMMITTED(k + 1), RELAXED);
#else
  store(COMMIT, COMMITTED(k + 1), ORDERED);
#endif
#endif
#endif
  if
  :: life == 1 -> d_step { acknowledged = k + 1; acknowledgedAt = stored }
  :: else
  fi
}

/* BlockHeader.values: generation, state, commit, first, last of one life. */
inline values() {
#ifdef GENERATION_LOADED_RELAXED
  load(GENERATION, RELAXED, generation);
#else
  load(GENERATION, ORDERED, generation);
#endif
  if
  :: generation % 2 == 1 -> goto over
  :: else
  fi;
#ifdef STATE_LOADED_RELAXED
  load(STATE, RELAXED, state);
#else
  load(STATE, ORDERED, state);
#endif
#ifdef COMMIT_LOADED_RELAXED
  load(COMMIT, RELAXED, commit);
#else
  load(COMMIT, ORDERED, commit);
#endif
  load(FIRST, RELAXED, first);
  load(LAST, RELAXED, last);
#ifndef WITHOUT_HEADER_CHECK
  check(generation)
#endif
}

proctype writer() {
  Thread me;
  byte life = 1;
  me.fenced = PLACES;
  append(0);
  if
  :: append(1)
  :: skip
  fi;
  /* BlockHeader.writeSeal */
  store(LAST, COMMITTED(acknowledged), RELAXED);
#ifdef SEAL_RELAXED
  store(STATE, SEALED, RELAXED)
#else
  store(STATE, SEALED, ORDERED)
#endif
}

proctype reclaimer() {
  Thread me;
  byte at, value, generation, state, commit, first, last;
  byte life = 2;
  me.bound = PLACES;
  values();
  if
  :: state != SEALED -> goto over
  :: else
  fi;
  assert(commit == 4 + acknowledged); /* what goes is counted, and all of it: reclaimedFrames */
  assert(last == commit);             /* and time goes on behind it: floor */
#ifndef SEAL_RELAXED
  assert(me.bound == stored);         /* no store of the earlier writer can come in later: the log's end is the place */
#endif
#ifdef PREAMBLE_BEFORE_ODD
  store(BYTES(0), PREAMBLE, RELAXED);
#endif
  /* AtomicUInt64.beginChange */
#ifndef WITHOUT_ODD
  store(GENERATION, 3, RELAXED);
#endif
#ifndef WITHOUT_RELEASE_FENCE
  releaseFence();
#endif
  store(STATE, CLAIMED, RELAXED);
  /* BlockPool.install */
#ifndef PREAMBLE_BEFORE_ODD
  store(BYTES(0), PREAMBLE, RELAXED);
#endif
  store(COMMIT, COMMITTED(0), RELAXED);
  store(FIRST, life, RELAXED);
  store(LAST, 0, RELAXED);
  store(STATE, OPEN, RELAXED);
#ifdef EVEN_RELAXED
  store(GENERATION, FOLLOWING, RELAXED);
#else
  store(GENERATION, FOLLOWING, ORDERED);
#endif
  append(0);
  if
  :: append(1)
  :: skip
  fi;
over:
  skip
}

proctype reader() {
  Thread me;
  byte at, value, generation, state, commit, first, last;
  byte entry, bytes, life, owed, slot, count;
  bool again = true;
  me.bound = PLACES;
  /* Somebody may have told this reader of appends that returned. */
  if
  :: d_step { owed = acknowledged; me.bound = (acknowledgedAt > PLACES -> acknowledgedAt : PLACES) }
  :: skip
  fi;
  values();
  if
  :: state != OPEN && state != SEALED -> goto over
  :: else
  fi;
  d_step {
    life = generation / 2;
    assert(first == life);                             /* the header is of one life */
    assert(state != SEALED || last == commit)          /* what a seal vouches for is final */
  }
look:
  /* BlockWindow.refresh */
#ifdef COMMIT_LOADED_RELAXED
  load(COMMIT, RELAXED, commit);
#else
  load(COMMIT, ORDERED, commit);
#endif
#ifndef WITHOUT_COMMIT_CHECK
  check(generation);
#endif
  assert(commit / 4 == life && commit % 4 >= count); /* else it counts as damage */
  assert(life > 1 || commit % 4 >= owed);              /* I1 */
  count = commit % 4;
  do
  :: slot < count ->
    /* FrameLane.next: what it returns is handed out. */
    load(ENTRY(slot), RELAXED, entry);
#ifndef WITHOUT_ENTRY_CHECK
    check(generation);
#endif
    assert(entry == life);                             /* I2, timestamp and the like */
    /* Frame.withBytes: what its closure made is handed out. */
    load(BYTES(slot), RELAXED, bytes);
#ifndef WITHOUT_LAST_CHECK
    check(generation);
#endif
    assert(bytes == life);                             /* I2, the payload */
#ifdef REACHES_THE_END
    assert(life == 1 || slot == 0 || again);
#endif
    slot++
  :: slot >= count && again -> again = false; goto look
  :: slot >= count && !again -> break
  od;
over:
  skip
}

init {
  d_step {
    byte place = 0;
    do
    :: place < PLACES ->
      log[place].place = place;
      log[place].tells = PLACES;
      place++
    :: else -> break
    od;
    log[GENERATION].value = 2;
    log[COMMIT].value = 4;
    log[STATE].value = OPEN;
    log[FIRST].value = 1;
    stored = PLACES
  };
  atomic { run writer(); run reclaimer(); run reader() }
}
