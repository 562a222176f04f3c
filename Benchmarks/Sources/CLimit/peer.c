#define _GNU_SOURCE
#include "peer.h"

#include "climit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

peer_mailbox *peer_mailbox_map(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return NULL;
  void *mapped = MAP_FAILED;
  if (ftruncate(fd, sizeof(peer_mailbox)) == 0)
    mapped = mmap(NULL, sizeof(peer_mailbox), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return mapped == MAP_FAILED ? NULL : mapped;
}

void peer_mailbox_unmap(peer_mailbox *mailbox) { munmap(mailbox, sizeof *mailbox); }

uint64_t peer_sample(const peer_mailbox *mailbox, uint64_t index) { return mailbox->samples[index]; }
void peer_set_sample(peer_mailbox *mailbox, uint64_t index, uint64_t value) { mailbox->samples[index] = value; }

uint64_t peer_load(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
void peer_store(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }

void peer_bare_wake(peer_mailbox *mailbox) {
  peer_store(&mailbox->sent, limit_clock());
  __atomic_fetch_add(&mailbox->word, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &mailbox->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void peer_bare_wait(peer_mailbox *mailbox, uint64_t count) {
  uint32_t seen = __atomic_load_n(&mailbox->word, __ATOMIC_ACQUIRE);
  peer_store(&mailbox->progress, peer_load(&mailbox->progress) + 1);
  for (uint64_t i = 0; i < count; i++) {
    while (__atomic_load_n(&mailbox->word, __ATOMIC_ACQUIRE) == seen)
      syscall(SYS_futex, &mailbox->word, FUTEX_WAIT, seen, NULL, NULL, 0);
    uint64_t woken = limit_clock();
    seen = __atomic_load_n(&mailbox->word, __ATOMIC_ACQUIRE);
    mailbox->samples[i] = woken - peer_load(&mailbox->sent);
    peer_store(&mailbox->progress, peer_load(&mailbox->progress) + 1);
  }
}

extern char **environ;

int peer_start(const char *role, const char *path, const char *mailbox) {
  char program[4096];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  if (length < 0) return -errno;
  program[length] = 0;
  char *const arguments[] = {program, "peer", (char *)role, (char *)path, (char *)mailbox, NULL};
  pid_t process;
  int error = posix_spawn(&process, program, NULL, NULL, arguments, environ);
  return error == 0 ? (int)process : -error;
}

void peer_end(int process) {
  kill(process, SIGKILL);
  int status;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
}

static uint64_t nanoseconds(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) return 0;
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t peer_thread_time(void) { return nanoseconds(CLOCK_THREAD_CPUTIME_ID); }

uint64_t peer_process_time(int process) {
  clockid_t clock;
  return clock_getcpuclockid(process, &clock) == 0 ? nanoseconds(clock) : 0;
}

void peer_pause(uint64_t time) {
  struct timespec span = {.tv_sec = (time_t)(time / 1000000000), .tv_nsec = (long)(time % 1000000000)};
  nanosleep(&span, NULL);
}

int peer_pin(int process, int place) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(place, &one);
  return sched_setaffinity(process, sizeof one, &one) == 0 ? 0 : -errno;
}

void peer_unpin(void) {
  cpu_set_t all;
  memset(&all, 0xFF, sizeof all);
  sched_setaffinity(0, sizeof all, &all);
}
