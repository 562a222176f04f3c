// What becomes of a thread that touches a page of a mapped file which the disk does not give: the file was cut, or a
// sector cannot be read. The kernel raises SIGBUS, which ends the process unless the guard was installed.
#ifndef NTS_BUSGUARD_H
#define NTS_BUSGUARD_H

#include <stddef.h>
#include <stdint.h>

typedef struct nts_guarded nts_guarded;

/// Notes a mapping, so that the guard, once installed, covers it. NULL without memory for it: it is then not covered.
nts_guarded *nts_guard_add(void *address, size_t length, int writable);
/// Before the mapping goes. `guarded` may be NULL.
void nts_guard_remove(nts_guarded *guarded);
/// The errno of the page that was lost, or 0. Once it is not 0, every byte of the mapping reads as zero, and what is
/// written to it goes nowhere.
int nts_guard_lost(const nts_guarded *guarded);
/// The same for the mapping that `address` lies in. O(mappings).
int nts_guard_lost_at(const void *address);

/// Installs the handler of SIGBUS, once for the process: 0, or -errno. Every other SIGBUS goes to the handler that was
/// there before, and where there was none it ends the process as it would have.
int nts_guard_install(void);

#endif
