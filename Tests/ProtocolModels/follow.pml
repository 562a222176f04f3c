/*
 * Followers that sleep and writers that wake them, with store buffers, each killed at any step.
 *
 * Mirrors
 *   writer    BlockAppender.append from the commit on, CommitSignal.didCommit, CommitSignal.wake; for stream 1, which
 *             does not exist at first, also the making of it and CommitSignal.wakeAll
 *   follower  FrameSource.next, CommitWait.prepare, CommitWait.sleep, ProcessBarrier.synchronize
 *   kernel    futex(2) with bits: compare and sleep are one step, so is a wake; membarrier(2)
 *
 * Memory. What matters here is that a writer's plain store of the commit word may be seen by others after its load of
 * `wanted wakes` that follows (store, then load, of different places: the one order that also x86 does not keep). So a
 * commit goes into the writer's store buffer, from where it reaches memory at any time; a barrier in the writer's
 * process, its own fence, its own read-modify-write, a system call or its death empties the buffer. Everything else is
 * a read-modify-write or passes through the kernel, and is sequentially consistent here. Reorderings of loads are in
 * block.pml.
 *
 * Sleep has no end of its own: a sleeper looks by itself only when a writer was killed that owed it a wake, which is
 * what the engine's longest sleep is for. Property: when nothing more can happen, nobody sleeps who has a frame to read.
 *
 * Abstracted: wake budgets and polling (both end by themselves), interrupts, what a frame is.
 * Bounds: two streams with the same bit, the second not there at first; two frames in each; one follower of each; two
 * kills. The first writer's process takes part in membarrier, the second's fences by itself.
 */

#define FRAMES  2
#ifndef KILLS
#define KILLS   2
#endif
#define STREAM  1 /* the bit of both streams */
#define UNKNOWN 2 /* the bit of a stream that is not there */

byte committed[2];  /* commit words as memory has them */
byte buffered[2];   /* commits that only their writer sees yet */
#define FENCES(w) ((w) == 1)
bool exists[2];
bool wanted;        /* `wanted wakes`, the one bit */
bool changed[2];    /* `wake word` is not any more what the follower loaded */
byte asleep[2];     /* the bits that a sleeper waits with; 0: awake */
bool owed[2];       /* a writer was killed before a wake */
byte read[2];
byte kills;

#define STEP(change)   atomic { if :: kills < KILLS -> kills++; goto killed :: true fi; change }
/* The same where frames, or a stream, may be there whose followers were not woken. */
#define OWING(change)  atomic { if :: kills < KILLS -> kills++; goto killedOwing :: true fi; change }

inline drain(w) { d_step { committed[w] = committed[w] + buffered[w]; buffered[w] = 0 } }

inline wakeSleepers(bits) {
  d_step {
    asleep[0] = ((asleep[0] & (bits)) -> 0 : asleep[0]);
    asleep[1] = ((asleep[1] & (bits)) -> 0 : asleep[1])
  }
}

inline count() { d_step { drain(w); changed[0] = true; changed[1] = true } }

/* CommitSignal.wake */
inline wake(bits) {
#ifdef WORD_AFTER_WAKE
  OWING(wakeSleepers(bits));
  OWING(count())
#else
#ifndef WITHOUT_WORD
  OWING(count());
#endif
  OWING(wakeSleepers(bits))
#endif
}

proctype writer(byte w) {
  byte frames;
  bool look;
  if
  :: !exists[w] -> STEP(exists[w] = true); wake(STREAM | UNKNOWN)
  :: else
  fi;
  do
  :: frames < FRAMES ->
#ifdef LOOK_BEFORE_COMMIT
    STEP(look = wanted);
    STEP(buffered[w]++);
#else
    STEP(buffered[w]++);
#ifndef WITHOUT_FENCE
    if
    :: FENCES(w) -> OWING(drain(w))
    :: else
    fi;
#endif
    OWING(look = wanted);
#endif
    if
    :: look ->
#ifdef BIT_CLEARED_AFTER_WAKE
      wake(STREAM);
      OWING(drain(w); wanted = false)
#else
#ifndef BIT_NOT_CLEARED
      OWING(drain(w); wanted = false);
#endif
      wake(STREAM)
#endif
    :: else
    fi;
    look = false;
    frames++
  :: else -> break
  od;
killed:
  goto over;
killedOwing:
  atomic {
    drain(w);
#ifndef WITHOUT_OWN_LOOK
    owed[0] = true;
    owed[1] = true
#endif
  };
over:
  skip
}

inline lookForFrames() {
  STEP(d_step {
    knows = exists[f];
    if
    :: knows && read[f] < committed[f] -> read[f] = committed[f]; found = true
    :: else
    fi
  })
}

#define LOAD_WORD() STEP(changed[f] = false)

proctype follower(byte f) {
  bool knows, prepared, found;
  lookForFrames();
  do
  :: read[f] == FRAMES -> break
  :: atomic { read[f] < FRAMES -> owed[f] = false; found = false; prepared = knows };
#ifdef LOOK_BEFORE_BIT
    lookForFrames();
#endif
    /* CommitWait.prepare */
#if !defined(WORD_AFTER_BIT) && !defined(WORD_AFTER_LOOK)
    LOAD_WORD();
#endif
    if
    :: prepared ->
      STEP(wanted = true);
#ifndef WITHOUT_MEMBARRIER
      /* That of the other writer may be empty or not: it makes no difference to this follower. */
      STEP(if :: !FENCES(f) -> drain(f) :: else fi)
#endif
    :: else
    fi;
#ifdef WORD_AFTER_BIT
    LOAD_WORD();
#endif
#if !defined(WITHOUT_LOOK) && !defined(LOOK_BEFORE_BIT)
    lookForFrames();
#endif
#ifdef WORD_AFTER_LOOK
    LOAD_WORD();
#endif
    if
    :: found
#ifdef WITHOUT_SLOTS_CHECK
    :: !found ->
#else
    :: !found && prepared != knows
    :: !found && prepared == knows ->
#endif
      /* CommitWait.sleep */
      STEP(asleep[f] = (changed[f] -> 0 : (prepared -> STREAM : UNKNOWN)));
end:
      if
      :: asleep[f] == 0
      :: asleep[f] != 0 && owed[f] -> asleep[f] = 0
      fi
    fi
  od;
#ifdef REACHES_THE_END
  assert(false);
#endif
killed:
  atomic { asleep[f] = 0; read[f] = FRAMES } /* the dead miss nothing */
}

/* Stores leave the buffers when they like. */
proctype buffers() {
end:
  do
  :: atomic { buffered[0] > 0 -> committed[0]++; buffered[0]-- }
  :: atomic { buffered[1] > 0 -> committed[1]++; buffered[1]-- }
  od
}

/* When nothing more can happen. */
proctype watch() {
end:
  timeout ->
  assert(!asleep[0] || read[0] == committed[0]);
  assert(!asleep[1] || read[1] == committed[1])
}

init {
  exists[0] = true;
  atomic { run writer(0); run writer(1); run follower(0); run follower(1); run buffers(); run watch() }
}
