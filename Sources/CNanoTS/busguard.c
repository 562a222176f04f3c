#define _GNU_SOURCE
#include "nts_busguard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

// The mappings are in chunks that are never freed: the handler walks them at any moment, also while another thread adds
// or removes one, and takes no lock.
enum { CHUNK = 128 };

struct nts_guarded {
  // 0: nobody's; 1: being filled in or given back; 2: in use.
  _Atomic int state;
  _Atomic uintptr_t start;
  _Atomic size_t length;
  _Atomic int protection;
  // The errno, stored before the mapping is replaced: whoever reads a zero of the replacement reads this as well.
  _Atomic int lost;
};

struct chunk {
  struct nts_guarded entries[CHUNK];
  struct chunk *_Atomic next;
};

static struct chunk first_chunk;

static nts_guarded *take(struct chunk *chunk) {
  for (int i = 0; i < CHUNK; i++) {
    int nobody = 0;
    if (atomic_compare_exchange_strong(&chunk->entries[i].state, &nobody, 1)) return &chunk->entries[i];
  }
  return NULL;
}

nts_guarded *nts_guard_add(void *address, size_t length, int writable) {
  struct chunk *chunk = &first_chunk;
  nts_guarded *entry;
  while ((entry = take(chunk)) == NULL) {
    struct chunk *next = atomic_load(&chunk->next);
    if (next == NULL) {
      struct chunk *made = calloc(1, sizeof *made);
      if (made == NULL) return NULL;
      if (atomic_compare_exchange_strong(&chunk->next, &next, made)) next = made;
      else free(made);
    }
    chunk = next;
  }
  atomic_store(&entry->start, (uintptr_t)address);
  atomic_store(&entry->length, length);
  atomic_store(&entry->protection, writable ? PROT_READ | PROT_WRITE : PROT_READ);
  atomic_store(&entry->lost, 0);
  atomic_store(&entry->state, 2);
  return entry;
}

void nts_guard_remove(nts_guarded *guarded) {
  if (guarded) atomic_store(&guarded->state, 0);
}

int nts_guard_lost(const nts_guarded *guarded) { return guarded ? atomic_load(&guarded->lost) : 0; }

// Async-signal-safe: atomic loads only.
static nts_guarded *find(uintptr_t address) {
  for (struct chunk *chunk = &first_chunk; chunk != NULL; chunk = atomic_load(&chunk->next)) {
    for (int i = 0; i < CHUNK; i++) {
      nts_guarded *entry = &chunk->entries[i];
      if (atomic_load(&entry->state) != 2) continue;
      uintptr_t start = atomic_load(&entry->start);
      if (address >= start && address - start < atomic_load(&entry->length)) return entry;
    }
  }
  return NULL;
}

int nts_guard_lost_at(const void *address) { return nts_guard_lost(find((uintptr_t)address)); }

static struct sigaction earlier;

static void pass_on(int number, siginfo_t *info, void *context) {
  if (earlier.sa_flags & SA_SIGINFO) {
    earlier.sa_sigaction(number, info, context);
  } else if (earlier.sa_handler == SIG_DFL || (earlier.sa_handler == SIG_IGN && info->si_code > 0)) {
    // As if there had been no handler. A fault comes again when this returns; a signal that was sent is sent again, and
    // waits until then. (Of faults the kernel lets nobody ignore any.)
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(number, &standard, NULL);
    if (info->si_code <= 0) raise(number);
  } else if (earlier.sa_handler != SIG_IGN) {
    earlier.sa_handler(number);
  }
}

// Replaces the whole mapping by zeros, not the one page: the generations of all blocks are then 0, which no life has,
// and every check that a block is still what it was fails from now on, without a look at anything but what it looked at
// before. mmap is not among the calls that POSIX calls async-signal-safe; in Linux it is one system call that keeps
// nothing in the process. It changes the mapping at once: nobody sees some pages of the file behind a zero.
static void handle(int number, siginfo_t *info, void *context) {
  int before = errno;
  // Codes above 0 are the kernel's own: the address is that of a fault.
  nts_guarded *guarded = info->si_code > 0 ? find((uintptr_t)info->si_addr) : NULL;
  if (guarded == NULL || (info->si_code == BUS_MCEERR_AR && atomic_load(&guarded->lost))) {
    pass_on(number, info, context);
  } else {
    atomic_store(&guarded->lost, EIO);
    void *start = (void *)atomic_load(&guarded->start);
    void *made = mmap(
        start, atomic_load(&guarded->length), atomic_load(&guarded->protection),
        MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED) pass_on(number, info, context);
  }
  errno = before;
}

static int install_result;

static void install(void) {
  struct sigaction ours = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  sigemptyset(&ours.sa_mask);
  // Read first: a fault between the two calls must find where to go.
  if (sigaction(SIGBUS, NULL, &earlier) != 0 || sigaction(SIGBUS, &ours, NULL) != 0) install_result = -errno;
}

int nts_guard_install(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
  return install_result;
}
