// The version is not in RocksDB's C interface.
#ifdef PEERS
#include <rocksdb/version.h>

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

extern "C" const char *engine_rocksdb_version() {
  return TEXT(ROCKSDB_MAJOR) "." TEXT(ROCKSDB_MINOR) "." TEXT(ROCKSDB_PATCH);
}
#endif
