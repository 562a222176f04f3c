/*
 * How a reader finds the blocks of a stream while they are published, taken from within and given back: the marks in the
 * slot (next sequence, removals, tail), the links from the newest block back, and one pass over the table instead.
 *
 * Mirrors
 *   writers  AllocationLock.withLock (its fence), BlockPool.install, append, unlink, free, endLife,
 *            discardEmpty, relink
 *   reader   Cursor.refreshDirectory; DirectoryCache.directory, extend, scan; BlockHeader.values
 *
 * Memory is weak, as weakmemory.pml says. All writers are one thread here: what passes between them passes under the
 * allocation lock. A block counts as going from the first store that takes it out of the list.
 * Property: a block that was published before a look, as far as this reader was told, and that lives on, is in the
 * directory after it; one whose removal was complete is not.
 *
 * Abstracted: blocks taken at a list's head (BlockPool.recycle counts no removal for them, DirectoryCache.dropReclaimed
 * forgets them), longest walk, several streams, the head in the cursor's mark.
 * Bounds: four blocks, of which the first is known to the reader; two looks.
 */

#define BLOCKS        4
#define GENERATION(b) (b)       /* 2 * life, odd between lives */
#define SEQUENCE(b)   (4 + (b))
#define PREVIOUS(b)   (8 + (b)) /* block + 1; 0: none */
#define TAIL          12        /* block + 1 */
#define NEXT          13        /* next sequence */
#define REMOVALS      14
#define PLACES        15
#define STORES        48
#define LOOKS         2 /* of the reader */

#include "weakmemory.pml"

/* What is so, for assertions: the life of each block, as published, and the last one that was removed. */
byte lives[BLOCKS];
byte removed[BLOCKS];
byte toldAt; /* the log when these were so */

byte tail = 1, sequence = 1, removals;
byte previous[BLOCKS];
byte generations[BLOCKS];

#ifdef TAIL_RELAXED
#define TAIL_ORDER RELAXED
#else
#define TAIL_ORDER ORDERED
#endif

inline setTail(aBlock, order) { tail = aBlock; store(TAIL, tail, order) }

inline publish(aBlock) {
#ifdef NEXT_RELAXED
  store(NEXT, sequence, RELAXED);
#else
  store(NEXT, sequence, ORDERED);
#endif
  d_step { lives[aBlock] = generations[aBlock] / 2; toldAt = stored }
}

/* BlockPool.install and append: from the new life's header to the mark that publishes it. */
inline begin(aBlock) {
  releaseFence(); /* AllocationLock.withLock */
  store(SEQUENCE(aBlock), sequence, RELAXED);
  generations[aBlock] = generations[aBlock] + 1;
  store(GENERATION(aBlock), generations[aBlock], ORDERED)
}

inline install(aBlock) {
  begin(aBlock);
  previous[aBlock] = tail;
  store(PREVIOUS(aBlock), tail, RELAXED);
  setTail(aBlock + 1, TAIL_ORDER);
  sequence++;
  publish(aBlock)
}

/* Killed before the block is in the list: the next holder's relink puts it there. Others' links are as they were. */
inline installWithRebuild(aBlock) {
  begin(aBlock);
  me.fenced = PLACES; /* this holder has not come to its fence */
  previous[aBlock] = tail;
  store(PREVIOUS(aBlock), tail, RELAXED);
#ifdef REBUILT_TAIL_RELAXED
  setTail(aBlock + 1, RELAXED);
#else
  setTail(aBlock + 1, ORDERED);
#endif
  sequence++;
  publish(aBlock);
  store(REMOVALS, removals + 1, ORDERED);
  removals++
}

/* AtomicUInt64.beginChange: a life ends. */
inline end(aBlock) {
  generations[aBlock] = generations[aBlock] + 1;
  store(GENERATION(aBlock), generations[aBlock], RELAXED);
  releaseFence()
}

inline removal(aBlock) {
#ifdef REMOVALS_RELAXED
  store(REMOVALS, removals + 1, RELAXED);
#else
  store(REMOVALS, removals + 1, ORDERED);
#endif
  removals++;
  d_step { removed[aBlock] = generations[aBlock] / 2; toldAt = stored }
}

/* BlockPool.free, and so endLife, of a block with another behind it. */
inline freeFromWithin(aBlock, behind) {
  lives[aBlock] = 0; /* from here on it may be missed */
  releaseFence();
#ifdef REMOVALS_BEFORE_THE_END
  generations[aBlock] = generations[aBlock] + 1; removal(aBlock); generations[aBlock] = generations[aBlock] - 1;
#endif
  end(aBlock);
  store(PREVIOUS(behind), previous[aBlock], RELAXED);
  previous[behind] = previous[aBlock];
#if !defined(WITHOUT_REMOVALS) && !defined(REMOVALS_BEFORE_THE_END)
  removal(aBlock);
#endif
  /* BlockPool.release: the next life, that of a free block, has an even generation too but is nobody's. */
  store(PREVIOUS(aBlock), 0, RELAXED)
}

/* BlockPool.discardEmpty of the newest block. */
inline discard(aBlock) {
  lives[aBlock] = 0;
  releaseFence();
  setTail(previous[aBlock], ORDERED);
  sequence--;
  store(NEXT, sequence, ORDERED);
  end(aBlock);
  store(PREVIOUS(aBlock), 0, RELAXED);
#ifndef WITHOUT_REMOVALS
  removal(aBlock)
#endif
}

proctype writers() {
  Thread me;
  me.fenced = PLACES;
  install(1);
  if
  :: install(2)
  :: installWithRebuild(2)
  fi;
  if
  :: freeFromWithin(1, 2);
    if
    :: install(1)
    :: skip
    fi
  :: discard(2);
    install(3)
  :: skip
  fi
}

/* DirectoryCache.extend; to `scan` when it gives up. */
inline extend() {
  load(TAIL, ORDERED, link);
  above = 99;
  do
  :: link == 0 -> break
  :: link > 0 ->
    load(GENERATION(link - 1), ORDERED, generation);
    if :: generation % 2 == 1 -> goto scan :: else fi;
    load(SEQUENCE(link - 1), RELAXED, number);
    acquireFence();
    load(GENERATION(link - 1), RELAXED, value);
    if :: value != generation || number >= above -> goto scan :: else fi;
    above = number;
    if
    :: number < knownSequence -> break
    :: number >= knownSequence && number < next -> found[link - 1] = generation / 2
    :: number >= next
    fi;
    block = link - 1;
    load(PREVIOUS(block), ORDERED, link);
#ifndef WITHOUT_LINK_CHECK
    acquireFence();
    load(GENERATION(block), RELAXED, value);
    if :: value != generation -> goto scan :: else fi
#endif
  od;
  skip
}

proctype reader() {
  Thread me;
  byte at, value, looks, block, link, above, generation, number, marks, next;
  byte knownRemovals, knownSequence = 1, markedRemovals, markedSequence;
  byte has[BLOCKS], found[BLOCKS], owed[BLOCKS], gone[BLOCKS];
  me.bound = PLACES;
  has[0] = 1;
  do
  :: looks == LOOKS -> break
  :: looks < LOOKS ->
    looks++;
    /* Somebody may tell the reader that blocks were published, or removed, before it looks. */
    if
    :: d_step {
        me.bound = (toldAt > me.bound -> toldAt : me.bound);
        block = 0;
        do
        :: block < BLOCKS -> owed[block] = lives[block]; gone[block] = removed[block]; block++
        :: else -> break
        od
      }
    :: skip
    fi;
    block = 0;
    /* Cursor.refreshDirectory: with the same marks as before, the cursor's directory stays. */
#ifdef MARK_LOADED_LAST
    load(NEXT, ORDERED, next);
    load(REMOVALS, ORDERED, marks);
#else
    load(REMOVALS, ORDERED, marks);
    load(NEXT, ORDERED, next);
#endif
    if
    :: looks > 1 && marks == markedRemovals && next == markedSequence -> goto kept
    :: else -> markedRemovals = marks; markedSequence = next
    fi;
#ifndef REMOVALS_LOADED_LAST
    load(REMOVALS, ORDERED, marks);
#else
    marks = knownRemovals;
#endif
    load(NEXT, ORDERED, next);
    if
    :: marks != knownRemovals || next < knownSequence -> goto scan
    :: marks == knownRemovals && next == knownSequence -> goto done
    :: marks == knownRemovals && next > knownSequence -> extend()
    fi;
    d_step {
      block = 0;
      do
      :: block < BLOCKS -> has[block] = (found[block] -> found[block] : has[block]); block++
      :: else -> break
      od
    };
    goto done;
scan:
    block = 0;
    do
    :: block < BLOCKS ->
      has[block] = 0;
      load(GENERATION(block), ORDERED, generation);
      load(SEQUENCE(block), RELAXED, number);
      acquireFence();
      load(GENERATION(block), RELAXED, value);
      if
      :: generation % 2 == 0 && value == generation && number < next -> has[block] = generation / 2
      :: else
      fi;
      block++
    :: else -> break
    od;
done:
    skip;
#ifdef REMOVALS_LOADED_LAST
    load(REMOVALS, ORDERED, marks);
#endif
    knownRemovals = marks;
    knownSequence = next;
kept:
    skip;
    d_step {
      block = 0;
      do
      :: block < BLOCKS ->
        assert(!owed[block] || owed[block] != lives[block] || has[block] == owed[block]); /* not missing */
        assert(!gone[block] || has[block] != gone[block]);                                /* not kept */
        found[block] = 0;
        block++
      :: else -> break
      od;
#ifdef REACHES_THE_END
      assert(looks < LOOKS || has[1] != 2);
#endif
      block = 0; link = 0; above = 0; generation = 0; number = 0; value = 0; marks = 0; next = 0
    }
  od
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
    log[GENERATION(0)].value = 2;
    log[GENERATION(1)].value = 1;
    log[GENERATION(2)].value = 1;
    log[GENERATION(3)].value = 1;
    log[TAIL].value = 1;
    log[NEXT].value = 1;
    generations[0] = 2; generations[1] = 1; generations[2] = 1; generations[3] = 1;
    lives[0] = 1;
    stored = PLACES;
    toldAt = PLACES
  };
  atomic { run writers(); run reader() }
}
