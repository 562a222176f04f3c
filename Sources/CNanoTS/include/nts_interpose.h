// What stands between the engine and its system calls, for tests: how they see each call, and make it fail.
#ifndef NTS_INTERPOSE_H
#define NTS_INTERPOSE_H

#include <stdint.h>

/// The system calls of nts_system.h that change something or can fail. Futexes, clocks and barriers are not among them.
typedef enum nts_call {
  NTS_CALL_OPEN,
  NTS_CALL_CLOSE,
  NTS_CALL_STAT,
  NTS_CALL_CHMOD,
  NTS_CALL_TRUNCATE,
  NTS_CALL_RESERVE,
  NTS_CALL_WRITE,
  NTS_CALL_READ,
  NTS_CALL_MAP,
  NTS_CALL_UNMAP,
  NTS_CALL_SYNC_RANGE,
  NTS_CALL_SYNC_FILE,
  NTS_CALL_SYNC_DIRECTORY,
  NTS_CALL_RENAME,
  NTS_CALL_UNLINK,
  NTS_CALL_LOCK,
  NTS_CALL_UNLOCK,
  NTS_CALL_FIND_LOCK,
  NTS_CALL_THREAD,
  NTS_CALL_COUNT
} nts_call;

typedef struct nts_request {
  nts_call call;
  /// 0 before the call, 1 after it succeeded.
  int is_done;
  /// The file concerned, or -1. After NTS_CALL_OPEN: the new one.
  int fd;
  /// The path concerned, or NULL.
  const char *path;
  /// Bytes of the file, or those of `address`.
  uint64_t offset;
  uint64_t length;
  /// The mapping concerned, or NULL.
  void *address;
} nts_request;

/// Called before each call of a thread and after it when it succeeded. Before: 0 lets it be made; a negative errno is
/// its result, and it is not made (NTS_CALL_CLOSE and NTS_CALL_UNMAP are made all the same); for NTS_CALL_READ, a
/// positive number is the most bytes that are read. Afterwards the result counts for nothing. Must not use the engine.
typedef int (*nts_interposer)(void *context, const nts_request *request);

/// Puts `interposer` between this thread, with the threads that it starts from now on, and its system calls. NULL: none.
/// `context` must live until those threads have ended.
void nts_interpose(nts_interposer interposer, void *context);

#endif
