// A second process for measurements between processes, and the page through which it talks with the first.
#ifndef PEER_H
#define PEER_H

#include <stdint.h>

enum { PEER_MAILBOX_ROOM = 1 << 16 };

/// A page of a file that both processes map.
typedef struct {
  /// Counts what the peer has done: it is ready, it has taken a sample, it has made a round.
  uint64_t progress;
  /// Futex of the bare exchange.
  uint32_t word;
  uint32_t padding;
  /// When the bare futex was last woken.
  uint64_t sent;
  /// Nanoseconds from sending to waking up.
  uint64_t samples[PEER_MAILBOX_ROOM];
} peer_mailbox;

/// Maps the mailbox in the file at `path`, made if it is not there. Null on failure.
peer_mailbox *peer_mailbox_map(const char *path);
void peer_mailbox_unmap(peer_mailbox *mailbox);

/// Sample `index`, below PEER_MAILBOX_ROOM.
uint64_t peer_sample(const peer_mailbox *mailbox, uint64_t index);
void peer_set_sample(peer_mailbox *mailbox, uint64_t index, uint64_t value);

uint64_t peer_load(const uint64_t *word);
void peer_store(uint64_t *word, uint64_t value);

/// Stores the time and wakes the peer, as barely as it can be done.
void peer_bare_wake(peer_mailbox *mailbox);
/// Waits for `count` bare wakes and stores how long each took.
void peer_bare_wait(peer_mailbox *mailbox, uint64_t count);

/// Runs this program again as `nanots-bench peer ROLE PATH MAILBOX`; its process id, or the negated errno.
int peer_start(const char *role, const char *path, const char *mailbox);
/// Kills a peer and waits for its end.
void peer_end(int process);

/// Processor time that this thread has had, in nanoseconds.
uint64_t peer_thread_time(void);
/// Processor time that another process has had, in nanoseconds.
uint64_t peer_process_time(int process);
void peer_pause(uint64_t nanoseconds);

/// Keeps a process, 0 for this thread, to one processor. 0, or the negated errno.
int peer_pin(int process, int processor);
/// Lets this thread have every processor again.
void peer_unpin(void);

#endif
