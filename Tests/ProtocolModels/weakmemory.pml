/*
 * Memory that keeps no more order than it must: part of the models that include it.
 *
 * Spin interleaves whole steps, so what compilers and processors do to order is written out. All stores are kept in a
 * log. A load may return any store to its place that its thread is not bound to be beyond: a thread is bound
 * by what it has read of the same place (coherence) and by what its acquires have told it. A store carries how much of
 * the log it tells: a release store everything before it, a relaxed one everything before the last release fence. An
 * acquire load takes that over at once, a relaxed load at the next acquire fence. These are the rules of the C++ and
 * Swift memory model for relaxed, release and acquire accesses and fences (as views, without promises): loads that are
 * reordered or served from old cache lines, and stores that become visible in any order, are all in it.
 * Not in it: a load that returns a store which happens later. A reader stores nothing, so for it that cannot matter.
 * One thread stores at a time, and the next knows all that the one before stored, or the model says that it does not.
 *
 * The including file defines PLACES, how many places there are, and STORES, how many stores at most. A thread is a
 * process with a Thread `me`; one that loads has a byte `at` too.
 */

#define RELAXED 0
#define ORDERED 1 /* acquire for a load, release for a store */

typedef Store { byte place; byte value; byte tells }
Store log[STORES];
byte stored;             /* length of the log */

typedef Thread {
  byte bound;            /* knows the log up to here */
  byte pending;          /* and up to here from its next acquire fence on */
  byte fenced;           /* what its relaxed stores tell */
  byte seen[PLACES]      /* the store that it last read from each place */
}

inline store(aPlace, aValue, order) {
  d_step {
    log[stored].place = aPlace;
    log[stored].value = aValue;
    stored++;
    log[stored - 1].tells = (order == ORDERED -> stored : me.fenced)
  }
}

inline releaseFence() { me.fenced = stored }

inline load(aPlace, order, result) {
  atomic {
    at = stored - 1;
    do
    :: log[at].place != aPlace -> at--
    :: log[at].place == aPlace -> break
    :: log[at].place == aPlace && at >= me.bound && at > me.seen[aPlace] -> at--
    od;
    me.seen[aPlace] = at;
    result = log[at].value;
    if
    :: log[at].tells > me.pending -> me.pending = log[at].tells
    :: else
    fi;
    if
    :: order == ORDERED && log[at].tells > me.bound -> me.bound = log[at].tells
    :: else
    fi;
    at = 0
  }
}

inline acquireFence() {
  d_step { if :: me.pending > me.bound -> me.bound = me.pending :: else fi }
}
