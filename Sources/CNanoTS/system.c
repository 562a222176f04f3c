#define _GNU_SOURCE
#include "nts_system.h"

#include "nts_interpose.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define RETRY(call) \
  ({ \
    long result_; \
    do result_ = (call); \
    while (result_ == -1 && errno == EINTR); \
    result_ == -1 ? -errno : result_; \
  })

static _Thread_local struct {
  nts_interposer function;
  void *context;
} interposed;

void nts_interpose(nts_interposer interposer, void *context) {
  interposed.function = interposer;
  interposed.context = context;
}

#define REQUEST(...) (&(nts_request){__VA_ARGS__})

static int ask(const nts_request *request) {
  return interposed.function ? interposed.function(interposed.context, request) : 0;
}

// Returns `result`, having told of a success.
static int tell(int result, nts_request *request) {
  request->is_done = 1;
  if (result >= 0) ask(request);
  return result;
}

// Makes the call unless it is to fail.
#define INTERPOSE(request, made) \
  ({ \
    nts_request *request_ = (request); \
    int refused_ = ask(request_); \
    refused_ < 0 ? refused_ : tell((int)(made), request_); \
  })

static int open_above_standard_streams(const char *path, int flags) {
  // O_NONBLOCK: opening a FIFO by mistake must not hang; it means nothing for a regular file.
  int fd = (int)RETRY(open(path, flags | O_CLOEXEC | O_NONBLOCK, 0666));
  if (fd < 0 || fd > STDERR_FILENO) return fd;
  // In a process that was started with a standard stream closed, the store must not become that stream: what anybody
  // prints would be written over its header.
  int higher = (int)RETRY(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  close(fd);
  return higher;
}

int nts_open(const char *path, int mode) {
  int flags = mode == NTS_OPEN_READ ? O_RDONLY : O_RDWR;
  if (mode == NTS_OPEN_CREATE_EXCLUSIVE) flags |= O_CREAT | O_EXCL;
  nts_request request = {.call = NTS_CALL_OPEN, .fd = -1, .path = path};
  int refused = ask(&request);
  if (refused < 0) return refused;
  request.fd = open_above_standard_streams(path, flags);
  return tell(request.fd, &request);
}

int nts_reopen(int fd, const char *path, int mode) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int again = nts_open(link, mode);
  if (again >= 0 || (again != -ENOENT && again != -ENOTDIR)) return again;
  again = nts_open(path, mode);
  if (again < 0) return again;
  struct stat ours, theirs;
  if (fstat(fd, &ours) == 0 && fstat(again, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
      ours.st_ino == theirs.st_ino)
    return again;
  nts_close(again);
  return -ESTALE;
}

// Not made again after EINTR: Linux has closed the descriptor by then.
int nts_close(int fd) {
  nts_request request = {.call = NTS_CALL_CLOSE, .fd = fd};
  int refused = ask(&request);
  int result = close(fd) == 0 || errno == EINTR ? 0 : -errno;
  return refused < 0 ? refused : tell(result, &request);
}

static int status_of(int fd, struct stat *status) {
  return INTERPOSE(REQUEST(.call = NTS_CALL_STAT, .fd = fd), fstat(fd, status) == 0 ? 0 : -errno);
}

int nts_check_regular(int fd) {
  struct stat status;
  int result = status_of(fd, &status);
  if (result < 0) return result;
  if (S_ISREG(status.st_mode)) return 1;
  return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
}

int nts_check_place(int fd, const char *path) {
  struct stat ours, theirs;
  int result = INTERPOSE(
      REQUEST(.call = NTS_CALL_STAT, .fd = -1, .path = path), stat(path, &theirs) == 0 ? 0 : -errno);
  if (result < 0) return result == -ENOENT ? 0 : result;
  if (S_ISDIR(theirs.st_mode)) return -EISDIR;
  if (!S_ISREG(theirs.st_mode)) return -EINVAL;
  if (fd < 0) return 0;
  result = status_of(fd, &ours);
  if (result < 0) return result;
  return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

int nts_limit_mode(int fd, int like) {
  struct stat ours, theirs;
  int result = status_of(fd, &ours);
  if (result == 0) result = status_of(like, &theirs);
  if (result < 0) return result;
  mode_t mode = ours.st_mode & 0777 & (theirs.st_mode | S_IRUSR | S_IWUSR);
  return INTERPOSE(REQUEST(.call = NTS_CALL_CHMOD, .fd = fd), RETRY(fchmod(fd, mode)));
}

int nts_file_size(int fd, uint64_t *size) {
  struct stat status;
  int result = status_of(fd, &status);
  if (result == 0) *size = (uint64_t)status.st_size;
  return result;
}

int nts_set_file_size(int fd, uint64_t size) {
  return INTERPOSE(
      REQUEST(.call = NTS_CALL_TRUNCATE, .fd = fd, .length = size), RETRY(ftruncate(fd, (off_t)size)));
}

static int reserve(int fd, uint64_t offset, uint64_t length) {
  int error;
  do error = posix_fallocate(fd, (off_t)offset, (off_t)length);
  while (error == EINTR);
  return -error;
}

int nts_reserve(int fd, uint64_t offset, uint64_t length) {
  return INTERPOSE(
      REQUEST(.call = NTS_CALL_RESERVE, .fd = fd, .offset = offset, .length = length), reserve(fd, offset, length));
}

static int write_zeros(int fd, uint64_t offset, uint64_t length) {
  static const char zeros[1 << 16];
  while (length > 0) {
    size_t count = length < sizeof zeros ? (size_t)length : sizeof zeros;
    long written = RETRY(pwrite(fd, zeros, count, (off_t)offset));
    if (written < 0) return (int)written;
    offset += (uint64_t)written;
    length -= (uint64_t)written;
  }
  return 0;
}

int nts_write_zeros(int fd, uint64_t offset, uint64_t length) {
  return INTERPOSE(
      REQUEST(.call = NTS_CALL_WRITE, .fd = fd, .offset = offset, .length = length), write_zeros(fd, offset, length));
}

static int read_at(int fd, void *into, size_t count, uint64_t offset) {
  size_t done = 0;
  while (done < count) {
    long read = RETRY(pread(fd, (char *)into + done, count - done, (off_t)(offset + done)));
    if (read < 0) return (int)read;
    if (read == 0) break;
    done += (size_t)read;
  }
  return (int)done;
}

int nts_read_at(int fd, void *into, size_t count, uint64_t offset) {
  nts_request request = {.call = NTS_CALL_READ, .fd = fd, .offset = offset, .length = count};
  int most = ask(&request);
  if (most < 0) return most;
  return tell(read_at(fd, into, most > 0 && (size_t)most < count ? (size_t)most : count, offset), &request);
}

int nts_map(int fd, uint64_t offset, size_t length, int writable, void **address) {
  nts_request request = {.call = NTS_CALL_MAP, .fd = fd, .offset = offset, .length = length};
  int refused = ask(&request);
  if (refused < 0) return refused;
  int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void *mapped = mmap(NULL, length, protection, MAP_SHARED, fd, (off_t)offset);
  if (mapped == MAP_FAILED) return -errno;
  *address = request.address = mapped;
  return tell(0, &request);
}

int nts_unmap(void *address, size_t length) {
  nts_request request = {.call = NTS_CALL_UNMAP, .fd = -1, .length = length, .address = address};
  int refused = ask(&request);
  int result = munmap(address, length) == 0 ? 0 : -errno;
  return refused < 0 ? refused : tell(result, &request);
}

int nts_sync_range(void *address, size_t length) {
  return INTERPOSE(
      REQUEST(.call = NTS_CALL_SYNC_RANGE, .fd = -1, .length = length, .address = address),
      RETRY(msync(address, length, MS_SYNC)));
}

int nts_sync_file(int fd) {
  return INTERPOSE(REQUEST(.call = NTS_CALL_SYNC_FILE, .fd = fd), RETRY(fdatasync(fd)));
}

int nts_drop_pages(void *address, size_t length) {
  return madvise(address, length, MADV_DONTNEED) == 0 ? 0 : -errno;
}

int nts_is_in_memory(int fd) {
  struct statfs status;
  return fstatfs(fd, &status) == 0 && (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC);
}

int nts_populate_pages(void *address, size_t length) {
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
  return madvise(address, length, MADV_POPULATE_WRITE) == 0 ? 0 : -errno;
}

int nts_bring_pages_alone(void *address, size_t length, int alone) {
  return madvise(address, length, alone ? MADV_RANDOM : MADV_NORMAL) == 0 ? 0 : -errno;
}

int nts_bring_pages(void *address, size_t length) {
  return madvise(address, length, MADV_WILLNEED) == 0 ? 0 : -errno;
}

long nts_cached_pages(void *address, size_t length) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  unsigned char found[1 << 12];
  uint8_t *at = address;
  long count = 0;
  while (length > 0) {
    size_t part = length < page * sizeof found ? length : page * sizeof found;
    if (mincore(at, part, found) != 0) return -errno;
    for (size_t i = 0; i < (part + page - 1) / page; i++) count += found[i] & 1;
    at += part;
    length -= part;
  }
  return count;
}

int nts_fill_cache(int fd, uint64_t offset, uint64_t length) {
  // A write beyond this limit would end the process with a signal, which appends through the mapping never do.
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || offset + length > limit.rlim_cur) return -EFBIG;
  return write_zeros(fd, offset, length);
}

int nts_begin_write_back(int fd, uint64_t offset, uint64_t count) {
  return sync_file_range(fd, (off_t)offset, (off_t)count, SYNC_FILE_RANGE_WRITE) == 0 ? 0 : -errno;
}

long nts_page_size(void) { return sysconf(_SC_PAGESIZE); }

static int sync_directory_of(const char *path) {
  char directory[4096];
  const char *slash = strrchr(path, '/');
  size_t length = slash ? (size_t)(slash - path) : 0;
  if (length >= sizeof directory) return -ENAMETOOLONG;
  memcpy(directory, path, length);
  directory[length] = 0;
  int fd = (int)RETRY(open(slash == path ? "/" : length ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd < 0) return fd;
  int result = (int)RETRY(fsync(fd));
  close(fd);
  // Some file systems cannot sync a directory and say EINVAL; then there is nothing more to ask for.
  return result == -EINVAL ? 0 : result;
}

int nts_sync_directory_of(const char *path) {
  return INTERPOSE(REQUEST(.call = NTS_CALL_SYNC_DIRECTORY, .fd = -1, .path = path), sync_directory_of(path));
}

int nts_rename(const char *from, const char *to) {
  return INTERPOSE(
      REQUEST(.call = NTS_CALL_RENAME, .fd = -1, .path = from), rename(from, to) == 0 ? 0 : -errno);
}

static int rename_new(const char *from, const char *to) {
#if defined(__linux__)
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != ENOSYS && errno != EINVAL) return -errno;
#endif
  if (link(from, to) != 0) return -errno;
  return unlink(from) == 0 ? 0 : -errno;
}

int nts_rename_new(const char *from, const char *to) {
  return INTERPOSE(REQUEST(.call = NTS_CALL_RENAME, .fd = -1, .path = from), rename_new(from, to));
}

int nts_unlink(const char *path) {
  return INTERPOSE(REQUEST(.call = NTS_CALL_UNLINK, .fd = -1, .path = path), unlink(path) == 0 ? 0 : -errno);
}

static long lock_command(int fd, int command, short type, uint64_t offset, uint64_t count, struct flock *lock) {
  *lock = (struct flock){
      .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = (off_t)count};
  long result = RETRY(fcntl(fd, command, lock));
  return result == -EACCES ? -EAGAIN : result;
}

int nts_lock(int fd, uint64_t offset, uint64_t count, int exclusive, int wait) {
  struct flock lock;
  short type = exclusive ? F_WRLCK : F_RDLCK;
  return INTERPOSE(
      REQUEST(.call = NTS_CALL_LOCK, .fd = fd, .offset = offset, .length = count),
      lock_command(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, type, offset, count, &lock));
}

int nts_unlock(int fd, uint64_t offset, uint64_t count) {
  struct flock lock;
  return INTERPOSE(
      REQUEST(.call = NTS_CALL_UNLOCK, .fd = fd, .offset = offset, .length = count),
      lock_command(fd, F_OFD_SETLK, F_UNLCK, offset, count, &lock));
}

int nts_find_lock(int fd, uint64_t offset, uint64_t count, uint64_t *first, uint64_t *last) {
  struct flock lock;
  int result = INTERPOSE(
      REQUEST(.call = NTS_CALL_FIND_LOCK, .fd = fd, .offset = offset, .length = count),
      lock_command(fd, F_OFD_GETLK, F_WRLCK, offset, count, &lock));
  if (result < 0) return result;
  if (lock.l_type == F_UNLCK) return 0;
  *first = (uint64_t)lock.l_start;
  *last = lock.l_len == 0 ? (uint64_t)INT64_MAX : (uint64_t)lock.l_start + (uint64_t)lock.l_len - 1;
  return lock.l_type == F_RDLCK ? NTS_LOCK_SHARED : NTS_LOCK_EXCLUSIVE;
}

static struct timespec moment(uint64_t time) {
  return (struct timespec){.tv_sec = (time_t)(time / 1000000000), .tv_nsec = (long)(time % 1000000000)};
}

int nts_futex_wait(uint32_t *word, uint32_t expected, uint32_t bits, uint64_t deadline) {
  struct timespec until = moment(deadline);
  long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &until, NULL, bits);
  return result == 0 ? 0 : -errno;
}

int nts_futex_wake(uint32_t *word, uint32_t bits) {
  long result = syscall(SYS_futex, word, FUTEX_WAKE_BITSET, 0x7FFFFFFF, NULL, NULL, bits);
  return result < 0 ? -errno : (int)result;
}

static int membarrier_call(int command) {
  long result = syscall(SYS_membarrier, command, 0, 0);
  return result < 0 ? -errno : (int)result;
}

int nts_barrier_register(void) { return membarrier_call(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED); }
int nts_barrier_everywhere(void) { return membarrier_call(MEMBARRIER_CMD_GLOBAL_EXPEDITED); }

int nts_barrier_is_available(void) {
  int commands = membarrier_call(MEMBARRIER_CMD_QUERY);
  return commands > 0 && (commands & MEMBARRIER_CMD_GLOBAL_EXPEDITED) != 0;
}

uint64_t nts_monotonic_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void nts_sleep_until(uint64_t time) {
  struct timespec until = moment(time);
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

struct thread_start {
  void (*body)(void *);
  void *context;
  nts_interposer interposer;
  void *interposer_context;
};

static void *run_thread(void *argument) {
  struct thread_start start = *(struct thread_start *)argument;
  free(argument);
  nts_interpose(start.interposer, start.interposer_context);
  start.body(start.context);
  return NULL;
}

int nts_start_thread(void (*body)(void *), void *context) {
  nts_request request = {.call = NTS_CALL_THREAD, .fd = -1};
  int refused = ask(&request);
  if (refused < 0) return refused;
  struct thread_start *start = malloc(sizeof *start);
  if (start == NULL) return -ENOMEM;
  *start = (struct thread_start){body, context, interposed.function, interposed.context};
  // Signals are the program's: they go to its own threads. Those that a fault of this thread raises are its own; blocked,
  // they would end the process without a look at its handlers.
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, SIGBUS);
  sigdelset(&all, SIGSEGV);
  sigdelset(&all, SIGFPE);
  sigdelset(&all, SIGILL);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int result = pthread_create(&thread, NULL, run_thread, start);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (result == 0) pthread_detach(thread);
  else free(start);
  return tell(-result, &request);
}

/* From this size on the kernel gives pages only for what is touched, and does not ask before whether it has them all. */
static const size_t reserved_from = 1 << 20;

void *nts_zeroed_make(size_t count) {
  if (count < reserved_from) return calloc(1, count);
  void *made = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return made == MAP_FAILED ? NULL : made;
}

void nts_zeroed_free(void *memory, size_t count) {
  if (count < reserved_from) {
    free(memory);
  } else {
    munmap(memory, count);
  }
}

struct nts_mutex {
  pthread_mutex_t mutex;
};

nts_mutex *nts_mutex_make(void) {
  nts_mutex *made = malloc(sizeof *made);
  if (made && pthread_mutex_init(&made->mutex, NULL) != 0) {
    free(made);
    made = NULL;
  }
  return made;
}

void nts_mutex_free(nts_mutex *mutex) {
  pthread_mutex_destroy(&mutex->mutex);
  free(mutex);
}

// A plain mutex that is initialised and used by its rules cannot fail.
void nts_mutex_lock(nts_mutex *mutex) { pthread_mutex_lock(&mutex->mutex); }
void nts_mutex_unlock(nts_mutex *mutex) { pthread_mutex_unlock(&mutex->mutex); }

int32_t nts_thread_id(void) { return (int32_t)syscall(SYS_gettid); }

int nts_random(void *into, size_t count) {
  long result = RETRY(getrandom(into, count, 0));
  return result == (long)count ? 0 : result < 0 ? (int)result : -EIO;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

int nts_boot_id(uint8_t into[16]) {
  char text[64];
  int fd = nts_open("/proc/sys/kernel/random/boot_id", NTS_OPEN_READ);
  if (fd < 0) return -ENOTSUP;
  long count = RETRY(read(fd, text, sizeof text));
  close(fd);
  int digits = 0;
  for (long i = 0; i < count && digits < 32; i++) {
    int digit = hex_digit(text[i]);
    if (digit < 0) continue;
    into[digits / 2] = (uint8_t)(digits % 2 ? into[digits / 2] | digit : digit << 4);
    digits++;
  }
  return digits == 32 ? 0 : -ENOTSUP;
}

int32_t nts_process_id(void) { return (int32_t)getpid(); }

void nts_error_text(int error, char *text, size_t capacity) {
  const char *message = strerror_r(error, text, capacity);
  if (message != text) snprintf(text, capacity, "%s", message);
}
