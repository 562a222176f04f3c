// What the files of the module share.
#ifndef NANOTS_PYTHON_MODULE_H
#define NANOTS_PYTHON_MODULE_H

#include "stable_abi.h"

#include <stdbool.h>

#include "nanots.h"

// ---------------------------------------------------------------------------------------------------------- errors.c

/// Makes the exception classes and puts them into the module. -1 with an exception set on failure.
int errors_add(PyObject *module);
/// Raises the class that belongs to `code`, with the library's words. NULL, for callers to return.
PyObject *raise_last(nanots_ec_t code);
/// Raises the class that belongs to `code` with words of the module's own; as PyErr_Format.
PyObject *raise_as(nanots_ec_t code, const char *format, ...);

// ------------------------------------------------------------------------------------------------------- arguments.c

/// The parameters of one function, by name. Those from `required` on may be left out, or be None, and are then NULL.
typedef struct {
  const char *function;
  const char *const *names;
  int count;
  int required;
  /// How many may be given by place; the rest only by name.
  int by_place;
} parameters_t;

/// Sorts the arguments of a call into `into`, as borrowed references. -1 with a TypeError on failure.
int arguments_take(const parameters_t *parameters, PyObject *const *arguments, Py_ssize_t count, PyObject *names,
                   PyObject **into);
/// As arguments_take, for the arguments of a constructor.
int arguments_take_tuple(const parameters_t *parameters, PyObject *arguments, PyObject *names, PyObject **into);

/// A path as bytes, a new reference.
PyObject *path_bytes(PyObject *path);
/// Text as UTF-8 without a NUL inside, a new reference. `what` names it in the error.
PyObject *text_bytes(PyObject *text, const char *what);
/// A whole number from `lowest` to `highest`; a NULL object gives `fallback`. -1 on failure.
int take_integer(PyObject *object, const char *what, int64_t lowest, int64_t highest, int64_t fallback, int64_t *into);
/// A timestamp: a whole number, or a datetime, which becomes one in `unit`. -1 on failure.
int take_timestamp(PyObject *object, const char *what, int unit, int64_t *into);
/// A truth; a NULL object gives `fallback`. -1 on failure.
int take_flag(PyObject *object, int fallback);
/// Seconds as milliseconds, rounded up; a NULL object gives -1, which means without limit. -1 on failure.
int take_timeout(PyObject *object, int64_t *milliseconds);

// ------------------------------------------------------------------------------------------------------------ fork.c

/// Counts the forks between the process that loaded the module and this one.
extern unsigned forks;
int fork_watch(void);

/// What every object of the module begins with.
#define OBJECT_HEAD                                             \
  PyObject_HEAD                                                 \
  unsigned made_after_forks;

/// True when `object` may be used: it was made in this process, and is not closed. Else an exception is set.
#define usable(object, handle, what) \
  (__builtin_expect((object)->made_after_forks == forks && (handle) != NULL, 1) || refuse((object)->made_after_forks, what))
bool refuse(unsigned made_after_forks, const char *what);

// ----------------------------------------------------------------------------------------------------------- objects

typedef struct {
  OBJECT_HEAD
  nanots_store_t handle;
  int unit;
} store_object;

typedef struct {
  OBJECT_HEAD
  nanots_writer_t handle;
  int unit;
  /// Writing may wait for the disk at any frame, whatever its size.
  bool waits;
} writer_object;

typedef struct {
  OBJECT_HEAD
  nanots_write_context_t handle;
  PyObject *writer;
  int unit;
  bool waits;
  /// The layout that the segment's metadata tells, or None; and the last dtype that was found to hold it, or NULL.
  PyObject *layout, *fitting;
} context_object;

typedef struct {
  OBJECT_HEAD
  nanots_reader_t handle;
  nanots_store_t store;
  int unit;
} reader_object;

/// What the dicts of consecutive frames have in common, as the dict that they are copied from.
typedef struct {
  PyObject *dictionary;
  PyObject *metadata;
  uint64_t segment;
  int64_t block_sequence;
  uint32_t flags;
  /// How many frames in a row were of another block or had other flags.
  uint32_t differing;
} dictionary_model_t;

/// What an object that lends frames begins with. Frames that point into the store by its leave, and threads that wait in it,
/// are its borrowers: its handle lives as long as they do.
#define LENDER_HEAD     \
  OBJECT_HEAD           \
  void *handle;         \
  int unit;             \
  Py_ssize_t borrowers; \
  bool is_closed;

typedef struct {
  LENDER_HEAD
} lender_object;

typedef struct {
  LENDER_HEAD
  dictionary_model_t model;
  /// The frame that the last find came to, as long as the iterator has not moved since.
  nanots_frame_t found;
  bool has_found;
} iterator_object;

extern PyTypeObject *store_type, *writer_type, *context_type, *reader_type, *iterator_type, *frame_type, *column_type,
    *follower_type, *pin_type;

int store_add(PyObject *module);
int writer_add(PyObject *module);
int context_add(PyObject *module);
int reader_add(PyObject *module);
int iterator_add(PyObject *module);
int frame_add(PyObject *module);
int column_add(PyObject *module);
int follower_add(PyObject *module);
int pin_add(PyObject *module);
int dictionary_add(void);

/// Makes the type and puts it into the module under the last part of its name. NULL on failure.
PyTypeObject *type_add(PyObject *module, PyType_Spec *spec);
/// An object of `type` with its head filled in and the rest 0.
void *object_new(PyTypeObject *type);
/// Ends an object of a type made from a spec, after its own content.
void object_free(void *object);

/// Opens the store at `path` and finds out its unit of time. -1 on failure.
int store_open(PyObject *path, nanots_access_t access, nanots_store_t *store, int *unit);
PyObject *context_make(writer_object *writer, nanots_write_context_t handle, PyObject *layout);
PyObject *context_append(context_object *self, PyObject *data, PyObject *timestamp, PyObject *flags, PyObject *key);
PyObject *iterator_make(nanots_store_t store, int unit, PyObject *stream, int verify_checksums);
/// Lets other threads run, and signal handlers; -1 when one of those raised.
int breathe(void);

// ----------------------------------------------------------------------------------------------------------- lender.c

/// How a lender waits for its next frame. `stream` is for those of several streams.
typedef nanots_ec_t (*lender_step_t)(void *handle, int64_t milliseconds, nanots_frame_t *frame, size_t *stream);

bool lender_usable(void *lender, const char *what);
/// Waits for at most so many milliseconds, or without limit, and lets other threads and Ctrl-C in. 1 with a frame, 0 when
/// none came, -1 with an exception set.
int lender_wait(void *lender, const char *what, lender_step_t step, int64_t milliseconds, nanots_frame_t *frame,
                size_t *stream);
/// Closes it; true when its handle is to be ended now. Otherwise it ends when the object does, which the borrowers keep.
bool lender_close(void *lender);
/// A new reference to the object, which is its own iterator.
PyObject *itself(PyObject *object);

// ------------------------------------------------------------------------------------------------------- dictionary.c

void dictionary_model_end(dictionary_model_t *model);
/// The frame that the iterator stands on, as existing programs know it: a dict.
PyObject *frame_dictionary(dictionary_model_t *model, nanots_iterator_t iterator, const nanots_frame_t *frame);

// ------------------------------------------------------------------------------------------------------------ frame.c

/// A frame whose bytes are borrowed. `owner` is kept, and lives as long as they do; `stream` may be NULL.
PyObject *frame_make(const nanots_frame_t *frame, PyObject *owner, Py_ssize_t *borrowers, PyObject *stream, int unit);

// ----------------------------------------------------------------------------------------------------------- column.c

/// The timestamps and the payloads of a batch as two arrays that point into the store.
PyObject *columns_make(const nanots_batch_t *batch, PyObject *owner, Py_ssize_t *borrowers);

// ------------------------------------------------------------------------------------------------------------- bulk.c

/// Both ends of a range of times, in order. -1 on failure.
int reader_take_times(reader_object *self, PyObject **given, int64_t *first, int64_t *last);
PyObject *context_write_batch(context_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *reader_fill_columns(reader_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *reader_view_columns(reader_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

#endif
