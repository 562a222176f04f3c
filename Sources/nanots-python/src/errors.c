// The exception classes, one for each code of the library.
#include "module.h"

#include <stdarg.h>
#include <string.h>

static PyObject *base;
static PyObject *classes[NANOTS_EC_OUT_OF_MEMORY + 1];

static const struct {
  nanots_ec_t code;
  const char *name;
  const char *documentation;
} table[] = {
    {NANOTS_EC_CANT_OPEN, "CantOpenError", "There is no file of that name, or it cannot be opened."},
    {NANOTS_EC_SCHEMA, "SchemaError", "The file is no store."},
    {NANOTS_EC_NO_FREE_BLOCKS, "NoFreeBlocksError", "No block is free and none may be recycled."},
    {NANOTS_EC_INVALID_BLOCK_SIZE, "InvalidBlockSizeError", "A block size outside 4 KiB to 1 GiB."},
    {NANOTS_EC_DUPLICATE_STREAM_TAG, "DuplicateStreamTagError", "The stream has a writer already."},
    {NANOTS_EC_UNABLE_TO_CREATE_SEGMENT, "UnableToCreateSegmentError", "Not raised by this library."},
    {NANOTS_EC_UNABLE_TO_CREATE_SEGMENT_BLOCK, "UnableToCreateSegmentBlockError", "Not raised by this library."},
    {NANOTS_EC_NON_MONOTONIC_TIMESTAMP, "NonMonotonicTimestampError", "The frame is not after the stream's last one."},
    {NANOTS_EC_ROW_SIZE_TOO_BIG, "RowSizeTooBigError", "The frame does not fit into a block."},
    {NANOTS_EC_UNABLE_TO_ALLOCATE_FILE, "UnableToAllocateFileError", "The file cannot be made."},
    {NANOTS_EC_INVALID_ARGUMENT, "InvalidArgumentError", "An argument is outside its range."},
    {NANOTS_EC_NOT_FOUND, "NotFoundError", "There is no such stream or frame."},
    {NANOTS_EC_OVERWRITTEN, "OverwrittenError", "Frames were recycled before they were read."},
    {NANOTS_EC_CORRUPT, "CorruptError", "Bytes in the file contradict a checksum or a bound."},
    {NANOTS_EC_UNSUPPORTED_VERSION, "UnsupportedVersionError", "The file has a format version not read here."},
    {NANOTS_EC_UNSUPPORTED_FEATURE, "UnsupportedFeatureError", "The file uses a feature not built in here."},
    {NANOTS_EC_TRUNCATED, "TruncatedError", "The file is shorter than its header says."},
    {NANOTS_EC_READ_ONLY, "ReadOnlyError", "The store was opened for reading, or may not be written."},
    {NANOTS_EC_ALREADY_EXISTS, "AlreadyExistsError", "A file is there and was not to be replaced."},
    {NANOTS_EC_IO_FAILURE, "IOFailureError", "A system call failed, or a page of the file was lost."},
    {NANOTS_EC_OUT_OF_SPACE, "OutOfSpaceError", "The disk has no room."},
    {NANOTS_EC_CLOSED, "ClosedError", "The object was closed."},
    {NANOTS_EC_CANCELLED, "CancelledError", "A callback ended what was going on."},
    {NANOTS_EC_PROTECTED, "ProtectedError", "What was to be freed is protected or pinned."},
    {NANOTS_EC_TOO_MANY_STREAMS, "TooManyStreamsError", "Every place for a stream is taken."},
    {NANOTS_EC_METADATA_TOO_LARGE, "MetadataTooLargeError", "The metadata is longer than a quarter of a block."},
    {NANOTS_EC_IN_USE, "InUseError", "Another thread's call is at work on this object."},
};

static int add(PyObject *module, const char *name, PyObject *class) {
  Py_INCREF(class);
  if (PyModule_AddObject(module, name, class) == 0) return 0;
  Py_DECREF(class);
  return -1;
}

int errors_add(PyObject *module) {
  base = PyErr_NewExceptionWithDoc("nanots.NanoTSError", "What a call of this module can raise. `code` is its number.",
                                   NULL, NULL);
  if (base == NULL || add(module, "NanoTSError", base) < 0) return -1;
  PyObject *unknown = PyLong_FromLong(NANOTS_EC_UNKNOWN);
  if (unknown == NULL || PyObject_SetAttrString(base, "code", unknown) < 0) return -1;
  Py_DECREF(unknown);
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    char name[64] = "nanots.";
    strncat(name, table[i].name, sizeof name - strlen(name) - 1);
    PyObject *members = Py_BuildValue("{s:i}", "code", (int)table[i].code);
    PyObject *class = members ? PyErr_NewExceptionWithDoc(name, table[i].documentation, base, members) : NULL;
    Py_XDECREF(members);
    if (class == NULL || add(module, table[i].name, class) < 0) return -1;
    classes[table[i].code] = class;
  }
  Py_INCREF(PyExc_MemoryError);
  classes[NANOTS_EC_OUT_OF_MEMORY] = PyExc_MemoryError;
  return 0;
}

static PyObject *class_of(nanots_ec_t code) {
  bool is_known = code >= 0 && (size_t)code < sizeof classes / sizeof classes[0] && classes[code] != NULL;
  return is_known ? classes[code] : base;
}

PyObject *raise_last(nanots_ec_t code) {
  const char *words = nanots_last_error_message();
  PyObject *text = PyUnicode_DecodeUTF8(words, (Py_ssize_t)strlen(words), "replace");
  if (text == NULL) return NULL;
  PyErr_SetObject(class_of(code), text);
  Py_DECREF(text);
  return NULL;
}

PyObject *raise_as(nanots_ec_t code, const char *format, ...) {
  va_list values;
  va_start(values, format);
  PyErr_FormatV(class_of(code), format, values);
  va_end(values);
  return NULL;
}
