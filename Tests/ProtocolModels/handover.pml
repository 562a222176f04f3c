/*
 * Two streams' writers in a store of three blocks, each killed at any step: claim, seal, install, reclaim, rebuild,
 * recovery. Frames are counts.
 *
 * Mirrors
 *   session          StreamLease.init, WriterCore.init, WriterCore.moveToNextBlock, WriterCore.close
 *   lock, unlock     AllocationLock.withLock
 *   rebuild          BlockPool.rebuild, repairSlots, owner, relink
 *   claim            BlockPool.claim, find, popFree, takeFresh, takeAbandonedSpare, claimedSpare
 *   reclaim          BlockPool.oldest, recoverIfAbandoned, recycle, endLife
 *   install          BlockPool.install
 *   release          BlockPool.release
 *   recoverOpenBlock BlockPool.recoverOpenBlock, seal, discardEmpty
 *   sealOpenBlock    BlockHandover.seal, BlockAppender.seal, WriterCore.sealOpenBlock
 *
 * A kill is a process that stops between two stores; the kernel drops its locks, and the stream's next writer begins
 * or never comes. Every STEP may be preceded by one. Stores that only links and counters see are one step where a kill
 * among them leaves the same: whoever comes next does not look at them. A locked section is interrupted by kills only:
 * what the other writer does meanwhile without the lock (append, seal) it reads once, or it only ever rises.
 *
 * Memory is sequentially consistent here: what passes between writers passes under the allocation lock (lock.pml), or with the
 * seal, whose release and acquire are in block.pml.
 * Abstracted: which sealed block is the oldest is open, any stream's head may be; no pins, protected ranges, quotas or
 * growth, so blocks are taken from a list's head only. All frames of an open block prove themselves, as after a kill.
 * A generation is only odd or even: readers are not in this model, and that no life has the number of another is in
 * block.pml.
 *
 * Bounds: three blocks, room for one frame in each; two streams of two blocks with frames each; two kills.
 */

#define BLOCKS  3
#define STREAMS 2
#ifndef KILLS
#define KILLS   2
#endif
#ifndef LIMIT
#define LIMIT   2 /* blocks with frames that a stream gets */
#endif
#define ROOM    1
#define NONE    BLOCKS
#define NOBODY  STREAMS

#define UNUSED  0
#define FREE    1
#define CLAIMED 2
#define OPEN    3
#define SEALED  4

typedef Block { bit odd; byte state; byte stream; byte sequence; byte first; byte count; byte synced; byte next;
  byte previous }
typedef Slot { byte head; byte tail; byte spare; byte nextSequence; byte nextOrdinal; byte reclaimed }
Block block[BLOCKS];
Slot slot[STREAMS];
byte freeHead = NONE, fresh;
bit epoch;
byte allocation = NOBODY;
byte streamLock[STREAMS] = NOBODY;

byte kills;
byte acknowledged[STREAMS]; /* frames whose append returned */
byte used[STREAMS];         /* blocks that ever held one of them */
bit told[BLOCKS];           /* living and in no list: readers that look tell its frames as gone */

#define STEP(change)  atomic { if :: kills < KILLS -> kills++; goto killed :: true fi; change }

/* Fields of a life that ended say nothing to anybody: all the same, so that states which differ in them are one. */
inline forget(aBlock) {
  d_step {
    block[aBlock].stream = 0;
    block[aBlock].sequence = 0;
    block[aBlock].first = 0;
    block[aBlock].count = 0;
    block[aBlock].synced = 0;
    block[aBlock].previous = NONE;
    block[aBlock].next = NONE
  }
}

#define HOLDS_FRAMES(i)  (!block[i].odd && (block[i].state == OPEN || block[i].state == SEALED))
#ifdef BELIEVES_SPARE /* claimedSpare does not look at the block */
#define IS_SPARE(o)      (slot[o].spare != NONE)
#else
#define IS_SPARE(o)      (slot[o].spare != NONE && block[slot[o].spare].odd && block[slot[o].spare].state == CLAIMED)
#endif

/* With the lists whole: each block is in one place, each list in order, and no frame is missing that is not counted. */
inline checkAll() {
  d_step {
    i = 0;
    do
    :: i < BLOCKS ->
      places = (i >= fresh) + (slot[0].spare == i) + (slot[1].spare == i);
      assert(i < fresh || (block[i].state == UNUSED && !block[i].odd));
      assert(!(slot[0].spare == i || slot[1].spare == i) || (block[i].odd && block[i].state == CLAIMED));
      t = freeHead;
      do
      :: t == NONE -> break
      :: t != NONE ->
        places = places + (t == i);
        assert(places <= 1 && block[t].state == FREE && !block[t].odd);
        t = block[t].next
      od;
      o = 0;
      do
      :: o < STREAMS ->
        t = slot[o].head;
        do
        :: t == NONE -> break
        :: t != NONE -> places = places + (t == i); assert(places <= 1); t = block[t].next
        od;
        o++
      :: else -> break
      od;
      assert(places == 1);
      i++
    :: else -> break
    od;
    o = 0;
    do
    :: o < STREAMS ->
      t = slot[o].head;
      i = NONE;
      places = 0;
      do
      :: t == NONE -> break
      :: t != NONE ->
        assert(HOLDS_FRAMES(t) && block[t].stream == o && block[t].previous == i);
        assert(block[t].synced <= block[t].count);
        if
        :: i != NONE ->
          assert(block[i].state == SEALED && block[i].sequence + 1 == block[t].sequence);
          assert(block[i].first + block[i].count == block[t].first)
        :: else
        fi;
        places = places + block[t].count;
        i = t;
        t = block[t].next
      od;
      assert(slot[o].tail == i);
      assert(acknowledged[o] <= places + slot[o].reclaimed);
      assert(kills > 0 || acknowledged[o] == places + slot[o].reclaimed);
      if
      :: i != NONE -> assert(block[i].first + block[i].count == acknowledged[o])
      :: else -> assert(streamLock[o] != NOBODY || slot[o].nextOrdinal == acknowledged[o])
      fi;
      o++
    :: else -> break
    od;
    i = 0; t = 0; o = 0; places = 0
  }
}

inline link(aBlock, o) { /* BlockPool.append */
  d_step {
    block[aBlock].previous = slot[o].tail;
    block[aBlock].next = NONE;
    if
    :: slot[o].tail == NONE -> slot[o].head = aBlock
    :: else -> block[slot[o].tail].next = aBlock
    fi;
    slot[o].tail = aBlock
  }
}

inline unlink(aBlock, o) {
  d_step {
    if
    :: block[aBlock].previous == NONE -> slot[o].head = block[aBlock].next
    :: else -> block[block[aBlock].previous].next = block[aBlock].next
    fi;
    if
    :: block[aBlock].next == NONE -> slot[o].tail = block[aBlock].previous
    :: else -> block[block[aBlock].next].previous = block[aBlock].previous
    fi
  }
}

inline release(aBlock) {
  STEP(block[aBlock].odd = 1);
  STEP(block[aBlock].state = FREE; forget(aBlock); block[aBlock].next = freeHead);
  STEP(block[aBlock].odd = 0);
  STEP(freeHead = aBlock)
}

/* Links the blocks of stream o anew, in order of sequence. */
inline relink(o) {
  d_step {
    slot[o].head = NONE;
    slot[o].tail = NONE;
    t = 0;
    do
    :: t < LIMIT + 2 ->
      i = 0;
      do
      :: i < BLOCKS ->
        if
        :: HOLDS_FRAMES(i) && block[i].stream == o && block[i].sequence == t ->
          assert(slot[o].tail == NONE || block[slot[o].tail].sequence != t);
          assert(!told[i]); /* what was told as gone does not come back */
          link(i, o)
        :: else
        fi;
        i++
      :: else -> break
      od;
      t++
    :: else -> break
    od;
    t = slot[o].tail;
    if
    :: t != NONE ->
      slot[o].nextSequence = (slot[o].nextSequence > block[t].sequence -> slot[o].nextSequence : block[t].sequence + 1);
      if
      :: block[t].state == SEALED && slot[o].nextOrdinal < block[t].first + block[t].count ->
        slot[o].nextOrdinal = block[t].first + block[t].count
      :: else
      fi
    :: else
    fi;
    i = 0; t = 0
  }
}

inline rebuild() {
  STEP(d_step {
    o = 0;
    do
    :: o < STREAMS -> if :: !IS_SPARE(o) -> slot[o].spare = NONE :: else fi; o++
    :: else -> break
    od;
    fresh = BLOCKS;
    do
    :: fresh > 0 && !block[fresh - 1].odd && block[fresh - 1].state == UNUSED -> fresh--
    :: else -> break
    od;
    freeHead = NONE;
    o = 0
  });
  STEP(relink(0));
  STEP(relink(1));
  v = 0;
  do
  :: v < fresh ->
    if
    :: !HOLDS_FRAMES(v) && !(IS_SPARE(0) && slot[0].spare == v) && !(IS_SPARE(1) && slot[1].spare == v) -> release(v)
    :: else
    fi;
    v++
  :: else -> break
  od;
  v = NONE
}

inline lock() {
  allocation == NOBODY -> allocation = s;
  if
#ifndef WITHOUT_REBUILD
  :: epoch -> rebuild()
#endif
  :: else
  fi;
  checkAll();
  STEP(epoch = 1)
}

inline unlock() {
  STEP(epoch = 0);
  STEP(allocation = NOBODY)
}

/* What a dead writer of stream o left open. The caller holds both locks. */
inline recoverOpenBlock(o) {
  v = slot[o].tail;
  if
  :: v != NONE && block[v].state == OPEN && block[v].count > 0 ->
    STEP(block[v].state = SEALED);
    STEP(slot[o].nextOrdinal = (slot[o].nextOrdinal > block[v].first + block[v].count ->
      slot[o].nextOrdinal : block[v].first + block[v].count))
  :: v != NONE && block[v].state == OPEN && block[v].count == 0 ->
    STEP(unlink(v, o));
#ifndef SEQUENCE_NOT_GIVEN_BACK
    STEP(if
      :: slot[o].nextSequence == block[v].sequence + 1 -> slot[o].nextSequence = block[v].sequence
      :: else
      fi);
#endif
    release(v)
  :: else
  fi;
  v = NONE
}

#ifdef SPARE_WITHOUT_LOCK
#define SPARE_IS_ABANDONED  (slot[other].spare != NONE)
#else
#define SPARE_IS_ABANDONED  (slot[other].spare != NONE && streamLock[other] == NOBODY)
#endif

#ifdef RECOVERS_WITHOUT_LOCK
#define OPEN_IS_ABANDONED   (slot[other].head != NONE && block[slot[other].head].state == OPEN)
#else
#define OPEN_IS_ABANDONED   (slot[other].head != NONE && block[slot[other].head].state == OPEN \
                            && streamLock[other] == NOBODY)
#endif

#ifdef TAKES_OPEN_BLOCKS
#define MAY_BE_TAKEN(o)     (slot[o].head != NONE)
#else
#define MAY_BE_TAKEN(o)     (slot[o].head != NONE && block[slot[o].head].state == SEALED)
#endif

inline popFree() { STEP(b = freeHead; if :: b != NONE -> freeHead = block[b].next :: else fi) }

/* BlockPool.recycle and endLife of the stream's first block, into b. */
inline recycle(o) {
#ifdef UNLINKED_BEFORE_THE_END
  STEP(b = slot[o].head; unlink(b, o); told[b] = 1);
  STEP(slot[o].reclaimed = slot[o].reclaimed + block[b].count);
  STEP(block[b].odd = 1; told[b] = 0)
#elif defined(COUNTED_AFTER_THE_END)
  STEP(b = slot[o].head; block[b].odd = 1);
  STEP(unlink(b, o));
  STEP(slot[o].reclaimed = slot[o].reclaimed + block[b].count)
#else
  STEP(b = slot[o].head; slot[o].reclaimed = slot[o].reclaimed + block[b].count);
  STEP(block[b].odd = 1);
  STEP(unlink(b, o))
#endif
}

/* A block for stream s into b, as its spare. */
inline claim() {
  if
  :: IS_SPARE(s) -> b = slot[s].spare
  :: else ->
    popFree();
    if
    :: b == NONE && fresh < BLOCKS -> STEP(b = fresh; fresh++)
    :: b == NONE && fresh == BLOCKS && SPARE_IS_ABANDONED ->
      /* The other's lock is held from here on; nobody takes a stream's lock without the allocation lock. */
      STEP(if :: IS_SPARE(other) -> b = slot[other].spare :: else fi; slot[other].spare = NONE)
    :: else
    fi;
    if
    :: b == NONE ->
      do
      :: MAY_BE_TAKEN(s) -> recycle(s); break
      :: MAY_BE_TAKEN(other) -> recycle(other); break
      :: OPEN_IS_ABANDONED -> recoverOpenBlock(other)
#ifdef RECOVERS_ITS_OWN
      /* The kernel grants the claimant its own lock again, and gives it up with the unlocking. */
      :: slot[s].head != NONE && block[slot[s].head].state == OPEN -> recoverOpenBlock(s); streamLock[s] = NOBODY
#endif
      :: !MAY_BE_TAKEN(s) && !MAY_BE_TAKEN(other) && !OPEN_IS_ABANDONED -> popFree(); break
      od
    :: else
    fi;
    if
    :: b != NONE ->
      STEP(block[b].odd = 1);
      STEP(block[b].state = CLAIMED; forget(b));
      STEP(slot[s].spare = b)
    :: else
    fi
  fi;
  unlock()
}

#define IS_MINE (!block[mine].odd && block[mine].state == OPEN && block[mine].stream == s \
                && block[mine].sequence == sequence)

/* The writer's own block, with frames, outside the allocation lock. */
inline sealOpenBlock() {
  assert(IS_MINE);
  next = block[mine].first + block[mine].count;
#ifdef NEXT_ORDINAL_AFTER_SEAL
  STEP(block[mine].state = SEALED);
  STEP(slot[s].nextOrdinal = next)
#else
  STEP(slot[s].nextOrdinal = next);
#ifdef SYNCED_COUNT_AFTER_SEAL
  STEP(block[mine].state = SEALED);
  STEP(block[mine].synced = ROOM)
#else
  STEP(block[mine].synced = ROOM);
  STEP(block[mine].state = SEALED)
#endif
#endif
}

inline install() {
  assert(slot[s].spare == b && block[b].odd && block[b].state == CLAIMED);
  STEP(d_step {
    block[b].stream = s;
    block[b].sequence = slot[s].nextSequence;
    block[b].first = next;
    block[b].count = 0;
    block[b].synced = 0
  });
  STEP(block[b].state = OPEN);
  STEP(block[b].odd = 0);
  STEP(link(b, s));
  STEP(slot[s].spare = NONE);
  STEP(slot[s].nextSequence = block[b].sequence + 1);
  mine = b; sequence = block[b].sequence; b = NONE
}

inline append() {
  assert(IS_MINE);
  assert(block[mine].first + block[mine].count == acknowledged[s]); /* no ordinal twice, none left out */
  assert(block[mine].count > 0 || sequence == used[s]);             /* nor a sequence */
  used[s] = used[s] + (block[mine].count == 0);
  block[mine].count++;
  acknowledged[s]++
}

mtype = { lease, write, claims, seal, discard, installs, close };

/* On to `then`, after the own block is sealed if there is one with frames, or given back. */
inline sealBefore(then) {
  after = then;
  phase = (mine == NONE -> after : (block[mine].count == 0 -> discard : seal))
}

proctype writer(byte s) {
  byte other = 1 - s;
  byte b = NONE, v = NONE, mine = NONE;
  byte next, sequence, i, o, t, places;
  mtype phase = lease, after;
session:
  do
  :: atomic { allocation == NOBODY && phase != seal && phase != close && (phase != write || used[s] < LIMIT) ->
    if
    :: phase == write -> phase = claims
    :: else
    fi;
    lock();
    if
    :: phase == claims -> claim()
    :: phase == installs -> install()
    :: phase == lease ->
      assert(streamLock[s] == NOBODY);
      STEP(streamLock[s] = s)
    :: phase == discard
    fi;
    if
#ifdef WITHOUT_RECOVERY
    :: phase == discard -> recoverOpenBlock(s)
#else
    :: phase == discard || phase == lease -> recoverOpenBlock(s)
#endif
    :: else
    fi;
    unlock();
    if
    :: phase == claims ->
      /* With no block to be had the writer seals its own and claims again: then there is one, whoever died. */
      assert(b != NONE || mine != NONE);
      if
      :: b == NONE -> sealBefore(claims)
      :: else -> sealBefore(installs)
      fi
    :: phase == installs -> phase = write; after = 0
    :: phase == lease -> phase = write; next = slot[s].nextOrdinal
    :: phase == discard -> phase = after; mine = NONE; sequence = 0
    fi }
  :: phase == write && mine != NONE && block[mine].count < ROOM -> STEP(d_step { append() })
  :: atomic { phase == write -> sealBefore(close) }
  :: phase == seal ->
    sealOpenBlock();
    atomic { phase = after; mine = NONE; sequence = 0 }
  :: phase == close ->
#ifdef REACHES_THE_END
    assert(kills < KILLS || used[0] < LIMIT || used[1] < LIMIT);
#endif
    STEP(streamLock[s] = NOBODY);
    break
  od;
killed:
  atomic {
    if :: allocation == s -> allocation = NOBODY :: else fi;
    if :: streamLock[s] == s -> streamLock[s] = NOBODY :: else fi;
    b = NONE; v = NONE; mine = NONE; next = 0; sequence = 0; i = 0; o = 0; t = 0; places = 0;
    phase = lease; after = 0;
    if
    :: used[s] < LIMIT || kills < KILLS -> goto session
    :: true
    fi
  }
}

init {
  d_step {
    byte k = 0;
    do :: k < BLOCKS -> block[k].next = NONE; block[k].previous = NONE; k++ :: else -> break od;
    k = 0;
    do :: k < STREAMS -> slot[k].head = NONE; slot[k].tail = NONE; slot[k].spare = NONE; k++ :: else -> break od
  };
  atomic { run writer(0); run writer(1) }
}
