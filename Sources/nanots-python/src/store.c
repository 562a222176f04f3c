// Store: an opened store with all its options.
#include "module.h"

#include <string.h>

PyTypeObject *store_type;

PyObject *follower_make(nanots_follower_t handle, PyObject *streams, int unit, int64_t milliseconds);
PyObject *pin_make(nanots_pin_t handle);

// ------------------------------------------------------------------------------------------------------------ opening

/// The place of a word in a list that ends with NULL. -1 with an exception set when it is not there.
static int choice(PyObject *word, const char *what, const char *const *words) {
  for (int i = 0; PyUnicode_Check(word) && words[i] != NULL; i++) {
    if (PyUnicode_CompareWithASCIIString(word, words[i]) == 0) return i;
  }
  PyObject *all = PyUnicode_FromString(words[0]);
  for (int i = 1; all != NULL && words[i] != NULL; i++) {
    PyObject *longer = PyUnicode_FromFormat("%U, %s", all, words[i]);
    Py_DECREF(all);
    all = longer;
  }
  if (all != NULL) raise_as(NANOTS_EC_INVALID_ARGUMENT, "%s is one of %U, and %R is not", what, all, word);
  Py_XDECREF(all);
  return -1;
}

static int find_unit(nanots_store_t store, int *unit) {
  nanots_store_statistics_t statistics = {.struct_size = offsetof(nanots_store_statistics_t, block_count)};
  nanots_ec_t code = nanots_store_statistics(store, &statistics);
  if (code != NANOTS_EC_OK) raise_last(code);
  *unit = (int)statistics.time_unit;
  return code == NANOTS_EC_OK ? 0 : -1;
}

int store_open(PyObject *path, nanots_access_t access, nanots_store_t *store, int *unit) {
  PyObject *bytes = path_bytes(path);
  if (bytes == NULL) return -1;
  nanots_ec_t code;
  Py_BEGIN_ALLOW_THREADS;
  code = nanots_store_open(PyBytes_AsString(bytes), access, store);
  Py_END_ALLOW_THREADS;
  Py_DECREF(bytes);
  if (code != NANOTS_EC_OK) {
    raise_last(code);
    return -1;
  }
  if (find_unit(*store, unit) == 0) return 0;
  nanots_store_close(*store);
  return -1;
}

static PyObject *store_new(PyTypeObject *type, PyObject *arguments, PyObject *names) { return object_new(type); }

static int store_init(store_object *self, PyObject *arguments, PyObject *names) {
  static const char *const words[] = {"filename", "access"};
  static const parameters_t parameters = {"Store", words, 2, 1, 2};
  static const char *const accesses[] = {"r", "follow", "rw", "snapshot", NULL};
  PyObject *given[2];
  if (arguments_take_tuple(&parameters, arguments, names, given) < 0) return -1;
  int access = given[1] == NULL ? NANOTS_ACCESS_READ_WRITE : choice(given[1], "access", accesses);
  if (access < 0) return -1;
  if (self->handle != NULL) {
    PyErr_SetString(PyExc_TypeError, "a store is opened once");
    return -1;
  }
  return store_open(given[0], (nanots_access_t)access, &self->handle, &self->unit);
}

/// How frames are to be stored: both 0 where nothing is said. -1 with an exception set for anything else than that.
static int take_compression(PyObject *word, PyObject *size, uint32_t *compression, uint32_t *chunk_size) {
  static const char *const methods[] = {"off", "lz4", "lz4hc", NULL};
  int64_t bytes;
  int method = word == NULL ? -1 : choice(word, "compression", methods);
  if (method < 0 && PyErr_Occurred()) return -1;
  if (take_integer(size, "chunk_size", size ? 1 : 0, UINT32_MAX, 0, &bytes) < 0) return -1;
  *compression = (uint32_t)(method + 1);
  *chunk_size = (uint32_t)bytes;
  return 0;
}

static PyObject *create(PyObject *class, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"filename",  "block_size",        "block_count", "initial_block_count", "stream_capacity",
                                      "time_unit", "payload_checksums", "pins_hold",   "replace",             "compression",
                                      "chunk_size"};
  static const parameters_t parameters = {"create", words, 11, 1, 1};
  static const char *const units[] = {"ns", "us", "ms", "s", NULL};
  PyObject *given[11];
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  int64_t numbers[4];
  uint32_t compression, chunk_size;
  if (take_compression(given[9], given[10], &compression, &chunk_size) < 0) return NULL;
  for (int i = 0; i < 4; i++) {
    if (take_integer(given[i + 1], words[i + 1], given[i + 1] ? 1 : 0, UINT32_MAX, 0, &numbers[i]) < 0) return NULL;
  }
  int unit = given[5] == NULL ? 0 : choice(given[5], "time_unit", units);
  int checks = take_flag(given[6], 1), hold = take_flag(given[7], 0), replaces = take_flag(given[8], 0);
  if (unit < 0 || checks < 0 || hold < 0 || replaces < 0) return NULL;
  nanots_store_options_t options = {
      .struct_size = sizeof options,
      .block_size = (uint32_t)numbers[0],
      .block_count = (uint32_t)numbers[1],
      .initial_block_count = (uint32_t)numbers[2],
      .stream_capacity = (uint32_t)numbers[3],
      .time_unit = (uint32_t)unit,
      .without_payload_checksums = checks ? 0 : 1,
      .pins_hold = hold ? 1 : 0,
      .replace_existing = replaces ? 1 : 0,
      .compression = compression,
      .chunk_size = chunk_size,
  };
  PyObject *path = path_bytes(given[0]);
  store_object *self = path ? object_new(store_type) : NULL;
  nanots_ec_t code = NANOTS_EC_OK;
  if (self != NULL) {
    nanots_store_t handle = NULL;
    Py_BEGIN_ALLOW_THREADS;
    code = nanots_store_create(PyBytes_AsString(path), &options, &handle);
    Py_END_ALLOW_THREADS;
    self->handle = handle;
    self->unit = unit;
  }
  Py_XDECREF(path);
  if (self == NULL || code == NANOTS_EC_OK) return (PyObject *)self;
  Py_DECREF(self);
  return raise_last(code);
}

static PyObject *store_close(store_object *self, PyObject *arguments) {
  nanots_store_t handle = self->handle;
  self->handle = NULL;
  if (handle == NULL || self->made_after_forks != forks) Py_RETURN_NONE;
  nanots_ec_t code;
  Py_BEGIN_ALLOW_THREADS;
  code = nanots_store_close(handle);
  Py_END_ALLOW_THREADS;
  if (code != NANOTS_EC_OK) return raise_last(code);
  Py_RETURN_NONE;
}

static void store_free(store_object *self) {
  if (self->handle != NULL && self->made_after_forks == forks) nanots_store_close(self->handle);
  object_free(self);
}

static PyObject *store_enter(store_object *self, PyObject *nothing) {
  if (!usable(self, self->handle, "store")) return NULL;
  Py_INCREF(self);
  return (PyObject *)self;
}

// ------------------------------------------------------------------------------------------------------------- making

static PyObject *make_writer(store_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"durability", "interval_milliseconds", "auto_reclaim", "clamp",
                                      "compression", "chunk_size"};
  static const parameters_t parameters = {"writer", words, 6, 0, 0};
  static const char *const durabilities[] = {"on_seal", "none", "every_frame", "interval", NULL};
  PyObject *given[6];
  int64_t interval;
  uint32_t compression, chunk_size;
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (!usable(self, self->handle, "store")) return NULL;
  int durability = given[0] == NULL ? 0 : choice(given[0], "durability", durabilities);
  if (durability < 0 || take_integer(given[1], words[1], 0, UINT32_MAX, 0, &interval) < 0) return NULL;
  if (take_compression(given[4], given[5], &compression, &chunk_size) < 0) return NULL;
  int reclaims = take_flag(given[2], 1), clamps = take_flag(given[3], 0);
  if (reclaims < 0 || clamps < 0) return NULL;
  nanots_writer_options_t options = {
      .struct_size = sizeof options,
      .durability = (uint32_t)durability,
      .interval_milliseconds = (uint32_t)interval,
      .without_reclaim = reclaims ? 0 : 1,
      .clamp = clamps ? 1 : 0,
      .compression = compression,
      .chunk_size = chunk_size,
  };
  writer_object *writer = object_new(writer_type);
  if (writer == NULL) return NULL;
  nanots_ec_t code = nanots_store_create_writer(self->handle, &options, &writer->handle);
  writer->unit = self->unit;
  writer->waits = durability >= NANOTS_DURABILITY_EVERY_FRAME;
  if (code == NANOTS_EC_OK) return (PyObject *)writer;
  Py_DECREF(writer);
  return raise_last(code);
}

static PyObject *make_iterator(store_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"stream", "verify_checksums"};
  static const parameters_t parameters = {"iterator", words, 2, 1, 1};
  PyObject *given[2];
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (!usable(self, self->handle, "store")) return NULL;
  int verifies = take_flag(given[1], 0);
  return verifies < 0 ? NULL : iterator_make(self->handle, self->unit, given[0], verifies);
}

/// Names as an array of C strings, which `kept` keeps: a list of bytes. The caller frees the array with PyMem_Free.
static const char **names_array(PyObject *names, PyObject **kept) {
  Py_ssize_t count = PySequence_Size(names);
  *kept = count < 0 ? NULL : PyList_New(0);
  const char **array = *kept ? PyMem_Calloc((size_t)count + 1, sizeof *array) : NULL;
  if (array == NULL) {
    Py_CLEAR(*kept);
    return PyErr_Occurred() ? NULL : (const char **)PyErr_NoMemory();
  }
  for (Py_ssize_t i = 0; i < count; i++) {
    PyObject *name = PySequence_GetItem(names, i);
    PyObject *bytes = name ? text_bytes(name, "stream") : NULL;
    Py_XDECREF(name);
    int status = bytes ? PyList_Append(*kept, bytes) : -1;
    // The list has it for as long as it lives.
    if (bytes) array[i] = PyBytes_AsString(bytes);
    Py_XDECREF(bytes);
    if (status == 0) continue;
    Py_CLEAR(*kept);
    PyMem_Free(array);
    return NULL;
  }
  return array;
}

/// Where a follower begins: a word, or a timestamp. -1 on failure.
static int take_start(PyObject *start, int unit, nanots_follow_start_t *where, int64_t *timestamp) {
  static const char *const words[] = {"end", "oldest", NULL};
  *where = NANOTS_FOLLOW_FROM_END;
  *timestamp = 0;
  if (start == NULL) return 0;
  if (!PyUnicode_Check(start)) {
    *where = NANOTS_FOLLOW_FROM_TIMESTAMP;
    return take_timestamp(start, "start", unit, timestamp);
  }
  int place = choice(start, "start", words);
  if (place == 1) *where = NANOTS_FOLLOW_FROM_OLDEST;
  return place < 0 ? -1 : 0;
}

static PyObject *make_follower(store_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"streams", "start", "timeout"};
  static const parameters_t parameters = {"follow", words, 3, 1, 1};
  PyObject *given[3];
  nanots_follow_start_t where;
  int64_t timestamp, milliseconds;
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (!usable(self, self->handle, "store")) return NULL;
  if (take_start(given[1], self->unit, &where, &timestamp) < 0) return NULL;
  if (take_timeout(given[2], &milliseconds) < 0) return NULL;
  PyObject *streams = PyUnicode_Check(given[0]) ? PyTuple_Pack(1, given[0]) : PySequence_Tuple(given[0]);
  if (streams == NULL) return NULL;
  PyObject *kept = NULL, *follower = NULL;
  const char **array = names_array(streams, &kept);
  if (array != NULL) {
    nanots_follower_t handle;
    nanots_ec_t code = nanots_store_create_follower(self->handle, array, (size_t)PyTuple_Size(streams), where,
                                                    timestamp, &handle);
    if (code == NANOTS_EC_OK) {
      follower = follower_make(handle, streams, self->unit, milliseconds);
    } else {
      raise_last(code);
    }
    PyMem_Free(array);
    Py_DECREF(kept);
  }
  Py_DECREF(streams);
  return follower;
}

static PyObject *make_pin(store_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"stream", "start_timestamp", "end_timestamp"};
  static const parameters_t parameters = {"pin", words, 3, 3, 3};
  PyObject *given[3];
  int64_t first, last;
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (!usable(self, self->handle, "store")) return NULL;
  if (take_timestamp(given[1], words[1], self->unit, &first) < 0) return NULL;
  if (take_timestamp(given[2], words[2], self->unit, &last) < 0) return NULL;
  PyObject *stream = text_bytes(given[0], "stream");
  if (stream == NULL) return NULL;
  nanots_store_t handle = self->handle;
  nanots_pin_t pin = NULL;
  nanots_ec_t code;
  Py_BEGIN_ALLOW_THREADS;
  code = nanots_store_pin(handle, PyBytes_AsString(stream), first, last, &pin);
  Py_END_ALLOW_THREADS;
  Py_DECREF(stream);
  return code == NANOTS_EC_OK ? pin_make(pin) : raise_last(code);
}

// ------------------------------------------------------------------------------------------------- copying and verifying

/// Called without the interpreter's lock.
static int on_progress(const nanots_copy_progress_t *progress, void *callback) {
  PyGILState_STATE state = PyGILState_Ensure();
  int ends = PyErr_CheckSignals() < 0;
  if (!ends && callback != NULL) {
    PyObject *answer =
        PyObject_CallFunction((PyObject *)callback, "iKKKKK", (int)progress->phase, progress->blocks,
                              progress->total_blocks, progress->frames, progress->total_frames, progress->bytes);
    // False ends it, and None, of a function that returns nothing, does not.
    ends = answer == NULL || answer == Py_False;
    Py_XDECREF(answer);
  }
  PyGILState_Release(state);
  return ends;
}

static PyObject *copy_report(const nanots_copy_report_t *report) {
  return Py_BuildValue("{s:O,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K}", "is_complete", report->is_complete ? Py_True : Py_False,
                       "streams", report->streams, "blocks", report->blocks, "frames", report->frames, "bytes",
                       report->bytes, "file_size", report->file_size, "missed_frames", report->missed_frames,
                       "damaged_frames", report->damaged_frames, "unproven_frames", report->unproven_frames);
}

static PyObject *run_copy(store_object *self, PyObject *path, nanots_copy_options_t *options) {
  nanots_copy_report_t report = {.struct_size = sizeof report};
  nanots_store_t handle = self->handle;
  nanots_ec_t code;
  Py_BEGIN_ALLOW_THREADS;
  code = nanots_store_copy(handle, PyBytes_AsString(path), options, &report);
  Py_END_ALLOW_THREADS;
  // What the callback or a signal handler raised says more than that the copy was cancelled.
  if (PyErr_Occurred()) return NULL;
  return code == NANOTS_EC_OK ? copy_report(&report) : raise_last(code);
}

static PyObject *copy(store_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"filename",    "start_timestamp", "end_timestamp", "streams",
                                      "block_count", "replace",         "progress",      "compression",
                                      "chunk_size"};
  static const parameters_t parameters = {"copy", words, 9, 1, 1};
  PyObject *given[9];
  int64_t block_count;
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (!usable(self, self->handle, "store")) return NULL;
  nanots_copy_options_t options = {.struct_size = sizeof options, .progress = on_progress};
  options.start_timestamp = INT64_MIN;
  options.end_timestamp = INT64_MAX;
  options.has_range = given[1] != NULL || given[2] != NULL;
  if (given[1] && take_timestamp(given[1], words[1], self->unit, &options.start_timestamp) < 0) return NULL;
  if (given[2] && take_timestamp(given[2], words[2], self->unit, &options.end_timestamp) < 0) return NULL;
  if (take_integer(given[4], words[4], 1, UINT32_MAX, 0, &block_count) < 0) return NULL;
  if (take_compression(given[7], given[8], &options.compression, &options.chunk_size) < 0) return NULL;
  int replaces = take_flag(given[5], 0);
  if (replaces < 0) return NULL;
  options.block_count = (uint32_t)block_count;
  options.replace_existing = replaces ? 1 : 0;
  options.user_data = given[6];
  PyObject *path = path_bytes(given[0]);
  if (path == NULL) return NULL;
  PyObject *kept = NULL, *report = NULL;
  const char **streams = given[3] ? names_array(given[3], &kept) : NULL;
  if (!PyErr_Occurred()) {
    options.streams = streams;
    options.stream_count = streams ? (size_t)PySequence_Size(given[3]) : 0;
    report = run_copy(self, path, &options);
  }
  PyMem_Free(streams);
  Py_XDECREF(kept);
  Py_DECREF(path);
  return report;
}

/// Called without the interpreter's lock.
static void on_finding(const char *finding, void *list) {
  PyGILState_STATE state = PyGILState_Ensure();
  PyObject *text = PyUnicode_DecodeUTF8(finding, (Py_ssize_t)strlen(finding), "replace");
  if (text != NULL && !PyErr_Occurred()) PyList_Append((PyObject *)list, text);
  Py_XDECREF(text);
  PyGILState_Release(state);
}

static PyObject *verify(store_object *self, PyObject *nothing) {
  if (!usable(self, self->handle, "store")) return NULL;
  PyObject *list = PyList_New(0);
  if (list == NULL) return NULL;
  nanots_store_t handle = self->handle;
  nanots_ec_t code;
  Py_BEGIN_ALLOW_THREADS;
  code = nanots_store_verify(handle, on_finding, list, NULL, NULL);
  Py_END_ALLOW_THREADS;
  if (!PyErr_Occurred() && (code == NANOTS_EC_OK || code == NANOTS_EC_CORRUPT)) return list;
  Py_DECREF(list);
  return PyErr_Occurred() ? NULL : raise_last(code);
}

// ------------------------------------------------------------------------------------------------------------ figures

static PyObject *statistics(store_object *self, PyObject *nothing) {
  if (!usable(self, self->handle, "store")) return NULL;
  nanots_store_statistics_t s = {.struct_size = sizeof s};
  nanots_ec_t code = nanots_store_statistics(self->handle, &s);
  if (code != NANOTS_EC_OK) return raise_last(code);
  return Py_BuildValue(
      "{s:I,s:K,s:I,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:L,s:L,s:O,s:O,s:O}", "format_version",
      s.format_version, "file_size", s.file_size, "block_size", s.block_size, "block_count", s.block_count,
      "available_blocks", s.available_blocks, "free_blocks", s.free_blocks, "open_blocks", s.open_blocks,
      "sealed_blocks", s.sealed_blocks, "protected_blocks", s.protected_blocks, "pinned_blocks", s.pinned_blocks,
      "streams", s.streams, "stream_capacity", s.stream_capacity, "frames", s.frames, "bytes", s.bytes,
      "reclaimed_blocks", s.reclaimed_blocks, "reclaimed_frames", s.reclaimed_frames, "first_timestamp",
      (long long)s.first_timestamp, "last_timestamp", (long long)s.last_timestamp, "has_payload_checksums",
      s.has_payload_checksums ? Py_True : Py_False, "is_growable", s.is_growable ? Py_True : Py_False, "pins_hold",
      s.pins_hold ? Py_True : Py_False);
}

static PyObject *stream_statistics(store_object *self, PyObject *name) {
  if (!usable(self, self->handle, "store")) return NULL;
  PyObject *stream = text_bytes(name, "stream");
  if (stream == NULL) return NULL;
  nanots_stream_statistics_t s = {.struct_size = sizeof s};
  nanots_ec_t code = nanots_store_stream_statistics(self->handle, PyBytes_AsString(stream), &s);
  Py_DECREF(stream);
  if (code != NANOTS_EC_OK) return raise_last(code);
  return Py_BuildValue("{s:i,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:L,s:L,s:s,s:K}", "writer_process_id", (int)s.writer_process_id,
                       "blocks", s.blocks, "frames", s.frames, "bytes", s.bytes, "segments", s.segments,
                       "reclaimed_blocks", s.reclaimed_blocks, "reclaimed_frames", s.reclaimed_frames,
                       "protected_blocks", s.protected_blocks, "pinned_blocks", s.pinned_blocks, "first_timestamp",
                       (long long)s.first_timestamp, "last_timestamp", (long long)s.last_timestamp,
                       "compression", s.compression == NANOTS_COMPRESSION_LZ4 ? "lz4" : "off", "stored_bytes",
                       s.stored_bytes);
}

static PyObject *time_unit(store_object *self, void *nothing) {
  static const char *const words[] = {"ns", "us", "ms", "s"};
  return PyUnicode_FromString(words[self->unit & 3]);
}

// --------------------------------------------------------------------------------------------------------------- type

static PyMethodDef methods[] = {
    {"create", (PyCFunction)(void (*)(void))(fast_method_t)create, METH_FASTCALL | METH_KEYWORDS | METH_STATIC,
     "create(filename, *, block_size=1048576, block_count=64, initial_block_count=None, stream_capacity=1024,\n"
     "       time_unit='ns', payload_checksums=True, pins_hold=False, replace=False, compression='off',\n"
     "       chunk_size=None)\n--\n\n"
     "Make a store and open it for writing. compression: 'off' or 'lz4', of streams whose writers do not say."},
    FAST_METHOD("writer", make_writer,
                "writer(*, durability='on_seal', interval_milliseconds=0, auto_reclaim=True, clamp=False,\n"
                "       compression=None, chunk_size=None)\n--\n\n"
                "A Writer of this store. compression: 'off', 'lz4', or None for what was said before."),
    FAST_METHOD("iterator", make_iterator,
                "iterator(stream, *, verify_checksums=False)\n--\n\nAn Iterator of this store."),
    FAST_METHOD("follow", make_follower,
                "follow(streams, *, start='end', timeout=None)\n--\n\n"
                "A Follower of one stream or several, which need not exist yet. start: 'end', 'oldest' or a timestamp.\n"
                "timeout: seconds without a frame after which a loop ends."),
    FAST_METHOD("pin", make_pin,
                "pin(stream, start_timestamp, end_timestamp)\n--\n\n"
                "A Pin of the blocks that reach into the range: no writer recycles them while there are others."),
    FAST_METHOD("copy", copy,
                "copy(filename, *, start_timestamp=None, end_timestamp=None, streams=None, block_count=None,\n"
                "     replace=False, progress=None, compression=None, chunk_size=None)\n--\n\n"
                "Copy the store, or a part of it, to a new one, while writers go on; what became of it, as a dict.\n"
                "progress: called with (phase, blocks, total_blocks, frames, total_frames, bytes); False ends the copy.\n"
                "compression: 'off', 'lz4', 'lz4hc' (smaller, slower), or None for each stream as it is."),
    {"verify", (PyCFunction)verify, METH_NOARGS,
     "verify()\n--\n\nCheck every checksum, bound and link. What is wrong, in words: an empty list for a clean store."},
    {"statistics", (PyCFunction)statistics, METH_NOARGS, "statistics()\n--\n\nFigures of the store, as a dict."},
    {"stream_statistics", (PyCFunction)stream_statistics, METH_O,
     "stream_statistics(stream)\n--\n\nFigures of a stream, as a dict. NotFoundError for an unknown one."},
    {"close", (PyCFunction)store_close, METH_NOARGS, "close()\n--\n\nEnd the store. What was made of it works on."},
    {"__enter__", (PyCFunction)store_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)store_close, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef members[] = {
    {"time_unit", (getter)time_unit, NULL, "What timestamps count: 'ns', 'us', 'ms' or 's'.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Store(filename, access='rw')\n--\n\nAn opened store. access: 'r' to read, 'follow' to be woken by writers as well,\n"
     "'rw' to write, 'snapshot' to read what is there now without mapping the file. Usable from any number of threads."},
    {Py_tp_new, store_new},
    {Py_tp_init, store_init},
    {Py_tp_dealloc, store_free},
    {Py_tp_methods, methods},
    {Py_tp_getset, members},
    {0, NULL},
};

static PyType_Spec spec = {"nanots.Store", sizeof(store_object), 0, Py_TPFLAGS_DEFAULT, slots};

int store_add(PyObject *module) { return (store_type = type_add(module, &spec)) == NULL ? -1 : 0; }
