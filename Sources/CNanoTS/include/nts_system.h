// The system calls that the engine makes, one function each. A function that can fail returns 0 or a positive result,
// or the negated errno. Interrupted calls (EINTR) are made again, except where the comment says otherwise.
#ifndef NTS_SYSTEM_H
#define NTS_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

enum { NTS_OPEN_READ = 0, NTS_OPEN_READ_WRITE = 1, NTS_OPEN_CREATE_EXCLUSIVE = 2 };

/// open(2) with O_CLOEXEC; CREATE_EXCLUSIVE is O_RDWR | O_CREAT | O_EXCL with mode 0666 less the umask.
int nts_open(const char *path, int mode);
/// A new open file description of the file behind `fd` (locks belong to descriptions): through /proc/self/fd where it
/// is there, else by `path` with the check that it is still the same file (-ESTALE if not).
int nts_reopen(int fd, const char *path, int mode);
int nts_close(int fd);

/// 1 when `fd` is a regular file; -EISDIR for a directory, -EINVAL for anything else.
int nts_check_regular(int fd);
/// Whether a file may be put under the name `path`: 0 when nothing or another regular file is there, 1 when it is the
/// file behind `fd` by whatever name (not asked when `fd` is negative), -EISDIR for a directory, -EINVAL for a device.
int nts_check_place(int fd, const char *path);
/// Takes from others every permission on `fd` that they have not on `like`. The owner may read and write.
int nts_limit_mode(int fd, int like);
int nts_file_size(int fd, uint64_t *size);
int nts_set_file_size(int fd, uint64_t size);
/// posix_fallocate: real blocks for the range. -EOPNOTSUPP or -EINVAL where the file system cannot.
int nts_reserve(int fd, uint64_t offset, uint64_t length);
/// Writes zero bytes over the range.
int nts_write_zeros(int fd, uint64_t offset, uint64_t length);
int nts_read_at(int fd, void *into, size_t count, uint64_t offset);

/// madvise: with `alone`, a page of the range that is not in memory is brought in without those around it. Advice.
int nts_bring_pages_alone(void *address, size_t length, int alone);
/// madvise(MADV_WILLNEED): begins to bring in what of the range is not in memory. Advice.
int nts_bring_pages(void *address, size_t length);
/// How many of the file's pages at `address`, which begins one, are in memory; or a negative errno.
long nts_cached_pages(void *address, size_t length);

/// Puts zeros into the file, in pieces of 64 KiB that begin at multiples of it: the kernel keeps what it gets in one write
/// in pieces no larger, and none of them reaches beyond `offset + length`.
int nts_fill_cache(int fd, uint64_t offset, uint64_t length);

/// mmap(2), shared; `offset` is a multiple of the page size.
int nts_map(int fd, uint64_t offset, size_t length, int writable, void **address);
int nts_unmap(void *address, size_t length);
/// msync(MS_SYNC); address must be page-aligned.
int nts_sync_range(void *address, size_t length);
int nts_sync_file(int fd);
/// madvise(MADV_DONTNEED): forgets the page-table entries of the range. What the pages of the file hold is untouched, also
/// what was not written back yet. Advice: nothing depends on its result. The address must be page-aligned.
int nts_drop_pages(void *address, size_t length);
/// madvise(MADV_POPULATE_WRITE): makes the pages of the range ready to be written with no fault. Advice, as above.
int nts_populate_pages(void *address, size_t length);
/// 1 when the file behind `fd` is in memory and never written to a disk.
int nts_is_in_memory(int fd);
/// Has the kernel begin to write the range to the disk, and does not wait. What fails is told by the next sync.
int nts_begin_write_back(int fd, uint64_t offset, uint64_t count);
/// fsync of the directory that holds `path`, so that a rename in it survives power loss.
int nts_sync_directory_of(const char *path);
long nts_page_size(void);

int nts_rename(const char *from, const char *to);
/// rename that fails with -EEXIST when `to` is there.
int nts_rename_new(const char *from, const char *to);
int nts_unlink(const char *path);

/// Open-file-description lock on `count` bytes from `offset` on. `wait` blocks until it is free, else -EAGAIN.
int nts_lock(int fd, uint64_t offset, uint64_t count, int exclusive, int wait);
int nts_unlock(int fd, uint64_t offset, uint64_t count);

enum { NTS_LOCK_SHARED = 1, NTS_LOCK_EXCLUSIVE = 2 };
/// Looks for a lock of another description that overlaps the `count` bytes from `offset` on: 0 when there is none, else
/// its kind and the first and last byte of all that it covers. Of several locks, whichever the kernel meets first.
int nts_find_lock(int fd, uint64_t offset, uint64_t count, uint64_t *first, uint64_t *last);

/// Waits while `*word` is `expected`, until a wake whose bits meet `bits` (not 0) or until `deadline` (nts_monotonic_time).
/// The word may lie in a file mapped by several processes. 0, -EAGAIN (another value), -ETIMEDOUT or -EINTR: the caller
/// looks again whatever it is.
int nts_futex_wait(uint32_t *word, uint32_t expected, uint32_t bits, uint64_t deadline);
/// Wakes every waiter on `word` whose bits meet `bits`; how many there were.
int nts_futex_wake(uint32_t *word, uint32_t bits);

/// Says that this process wants the barriers that other processes ask for with nts_barrier_everywhere. 0 or -errno.
int nts_barrier_register(void);
/// A full memory barrier in every running thread of every process that registered; after it, what such a thread stored
/// before is seen here, or the thread sees what was stored here. -ENOSYS or -EPERM where the system has no such call.
int nts_barrier_everywhere(void);
/// 1 when nts_barrier_everywhere works here.
int nts_barrier_is_available(void);
/// Keeps the compiler from moving a load before a store. No instruction.
static inline void nts_compiler_barrier(void) { __asm__ volatile("" ::: "memory"); }

/// Has the cache line at `address` loaded, of which nothing need be true.
static inline void nts_prefetch(const void *address) { __builtin_prefetch(address); }
/// The same for a line that will be written: other processors lose it.
static inline void nts_prefetch_for_writing(const void *address) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
  __builtin_prefetch(address, 1);
#endif
}

/// Nanoseconds of CLOCK_MONOTONIC, the same in every process of the machine.
uint64_t nts_monotonic_time(void);
/// Sleeps until then, or until a signal.
void nts_sleep_until(uint64_t time);

/// Starts a detached thread that runs `body(context)`, with every signal blocked but those of its own faults. 0 or
/// -errno.
int nts_start_thread(void (*body)(void *), void *context);
/// Memory that is zero, of which nothing is used until it is touched; NULL without room for it.
void *nts_zeroed_make(size_t count);
void nts_zeroed_free(void *memory, size_t count);
/// A lock between threads of this process; NULL without memory for it. Not recursive.
typedef struct nts_mutex nts_mutex;
nts_mutex *nts_mutex_make(void);
void nts_mutex_free(nts_mutex *mutex);
void nts_mutex_lock(nts_mutex *mutex);
void nts_mutex_unlock(nts_mutex *mutex);
/// A number that no other living thread of the machine has.
int32_t nts_thread_id(void);

int nts_random(void *into, size_t count);
/// The identity of this boot of the machine, 16 bytes; -ENOTSUP where the system does not tell it.
int nts_boot_id(uint8_t into[16]);
int32_t nts_process_id(void);
/// strerror_r into `text` (always terminated).
void nts_error_text(int error, char *text, size_t capacity);

#endif
