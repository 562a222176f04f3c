// Many frames in one call: arrays into a stream, and a stream into arrays.
#include "module.h"

#include <string.h>

// ------------------------------------------------------------------------------------------------------------ writing

/// A column of whole numbers of 64 bits: an array's own, or made of a sequence.
typedef struct {
  buffer_t buffer;
  bool has_buffer;
  int64_t *made;
  const int64_t *values;
  Py_ssize_t count;
} integers_t;

static void integers_end(integers_t *integers) {
  if (integers->has_buffer) PyBuffer_Release(&integers->buffer);
  PyMem_Free(integers->made);
}

/// True when the format means whole numbers in this machine's order: of 64 bits, since the items have 8 bytes.
static bool is_integers(const char *format) {
  if (format == NULL) return false;
  if (*format == '@' || *format == '=' || *format == '<') format++;
  return strlen(format) == 1 && strchr("qlQLnN", *format) != NULL;
}

static int integers_from_sequence(integers_t *into, PyObject *object, const char *what) {
  PyObject *items = PySequence_List(object);
  if (items == NULL) return -1;
  into->count = PyList_Size(items);
  into->made = PyMem_Calloc((size_t)into->count + 1, sizeof *into->made);
  int status = into->made ? 0 : (PyErr_NoMemory(), -1);
  for (Py_ssize_t i = 0; status == 0 && i < into->count; i++) {
    status = take_integer(PyList_GetItem(items, i), what, INT64_MIN, INT64_MAX, 0, &into->made[i]);
  }
  Py_DECREF(items);
  into->values = into->made;
  return status;
}

static int integers_begin(integers_t *into, PyObject *object, const char *what) {
  *into = (integers_t){.has_buffer = false};
  if (PyList_Check(object) || PyTuple_Check(object)) return integers_from_sequence(into, object, what);
  if (PyObject_GetBuffer(object, &into->buffer, BUFFER_C_CONTIGUOUS | BUFFER_FORMAT) < 0) {
    PyErr_Clear();
    return integers_from_sequence(into, object, what);
  }
  into->has_buffer = true;
  if (into->buffer.ndim == 1 && into->buffer.itemsize == 8 && is_integers(into->buffer.format)) {
    into->values = into->buffer.buf;
    into->count = into->buffer.shape[0];
    return 0;
  }
  PyErr_Format(PyExc_TypeError, "%s is an array of 64-bit whole numbers in one dimension; this one has %d, of '%s'", what,
               into->buffer.ndim, into->buffer.format ? into->buffer.format : "?");
  integers_end(into);
  *into = (integers_t){.has_buffer = false};
  return -1;
}

/// A batch on its way into a stream: frames that each say where their bytes are, or, from an array, columns.
typedef struct {
  Py_ssize_t count;
  integers_t timestamps, keys;
  uint32_t *flags;
  /// One buffer for all payloads, or one for each.
  buffer_t *buffers;
  Py_ssize_t buffer_count;
  /// NULL when the payloads are an array, whose items are of `size` bytes each.
  nanots_new_frame_t *frames;
  size_t size;
} batch_t;

static void batch_end(batch_t *batch) {
  for (Py_ssize_t i = 0; i < batch->buffer_count; i++) PyBuffer_Release(&batch->buffers[i]);
  PyMem_Free(batch->buffers);
  PyMem_Free(batch->frames);
  PyMem_Free(batch->flags);
  integers_end(&batch->timestamps);
  integers_end(&batch->keys);
}

static int differs(const char *what, Py_ssize_t count, Py_ssize_t frames) {
  if (count == frames) return 0;
  raise_as(NANOTS_EC_INVALID_ARGUMENT, "there are %zd timestamps, and %s has %zd", frames, what, count);
  return -1;
}

static int payloads_from_sequence(batch_t *batch, PyObject *data) {
  PyObject *items = PySequence_List(data);
  if (items == NULL) return -1;
  Py_ssize_t count = PyList_Size(items);
  int status = differs("data", count, batch->count);
  if (status == 0) {
    batch->buffers = PyMem_Calloc((size_t)count + 1, sizeof *batch->buffers);
    batch->frames = PyMem_Calloc((size_t)count + 1, sizeof *batch->frames);
    if (batch->buffers == NULL || batch->frames == NULL) status = (PyErr_NoMemory(), -1);
  }
  for (Py_ssize_t i = 0; status == 0 && i < count; i++) {
    buffer_t *buffer = &batch->buffers[i];
    status = PyObject_GetBuffer(PyList_GetItem(items, i), buffer, BUFFER_C_CONTIGUOUS);
    if (status < 0) break;
    batch->buffer_count = i + 1;
    batch->frames[i] = (nanots_new_frame_t){
        .timestamp = batch->timestamps.values[i],
        .key = batch->keys.values ? batch->keys.values[i] : 0,
        .data = buffer->buf,
        .size = (size_t)buffer->len,
        .flags = batch->flags ? batch->flags[i] : 0,
    };
  }
  Py_DECREF(items);
  return status;
}

static int payloads_from_array(batch_t *batch, PyObject *data) {
  batch->buffers = PyMem_Calloc(1, sizeof *batch->buffers);
  if (batch->buffers == NULL) return (PyErr_NoMemory(), -1);
  buffer_t *buffer = &batch->buffers[0];
  if (PyObject_GetBuffer(data, buffer, BUFFER_C_CONTIGUOUS) < 0) return -1;
  batch->buffer_count = 1;
  if (differs("data", buffer->ndim > 0 ? buffer->shape[0] : 0, batch->count) < 0) return -1;
  batch->size = batch->count == 0 ? 0 : (size_t)(buffer->len / batch->count);
  return 0;
}

static int take_flags(batch_t *batch, PyObject *object) {
  integers_t flags;
  if (object == NULL) return 0;
  if (integers_begin(&flags, object, "flags") < 0) return integers_end(&flags), -1;
  int status = differs("flags", flags.count, batch->count);
  if (status == 0 && !(batch->flags = PyMem_Calloc((size_t)flags.count + 1, sizeof *batch->flags))) {
    status = (PyErr_NoMemory(), -1);
  }
  for (Py_ssize_t i = 0; status == 0 && i < batch->count; i++) {
    batch->flags[i] = (uint32_t)flags.values[i];
    if (flags.values[i] >= 0 && flags.values[i] <= UINT32_MAX) continue;
    raise_as(NANOTS_EC_INVALID_ARGUMENT, "flags are 0 to 4294967295, and %lld at %zd is not", (long long)flags.values[i],
             i);
    status = -1;
  }
  integers_end(&flags);
  return status;
}

static int take_keys(batch_t *batch, PyObject *object) {
  if (object == NULL) return 0;
  if (integers_begin(&batch->keys, object, "keys") < 0) return -1;
  return differs("keys", batch->keys.count, batch->count);
}

/// Sees to it that an array holds what the segment's layout says. -1 on failure.
static int check_layout(context_object *self, PyObject *data) {
  if (self->layout == Py_None || !PyObject_HasAttrString(data, "dtype")) return 0;
  PyObject *dtype = PyObject_GetAttrString(data, "dtype");
  if (dtype == NULL) return -1;
  if (dtype == self->fitting) {
    Py_DECREF(dtype);
    return 0;
  }
  PyObject *module = PyImport_ImportModule("nanots.layout");
  PyObject *nothing = module ? PyObject_CallMethod(module, "check", "OO", self->layout, dtype) : NULL;
  Py_XDECREF(module);
  if (nothing == NULL) {
    Py_DECREF(dtype);
    return -1;
  }
  Py_DECREF(nothing);
  PyObject *before = self->fitting;
  self->fitting = dtype;
  Py_XDECREF(before);
  return 0;
}

static int batch_begin(batch_t *batch, PyObject *const *given) {
  *batch = (batch_t){.count = 0};
  if (integers_begin(&batch->timestamps, given[0], "timestamps") < 0) return -1;
  batch->count = batch->timestamps.count;
  if (take_flags(batch, given[2]) < 0 || take_keys(batch, given[3]) < 0) return -1;
  bool is_sequence = PyList_Check(given[1]) || PyTuple_Check(given[1]);
  return is_sequence ? payloads_from_sequence(batch, given[1]) : payloads_from_array(batch, given[1]);
}

static nanots_ec_t batch_append(nanots_write_context_t handle, const batch_t *batch) {
  size_t count = (size_t)batch->count;
  if (batch->frames) return nanots_write_context_append_batch(handle, batch->frames, count);
  return nanots_write_context_append_columns(handle, count, batch->timestamps.values, batch->keys.values, batch->flags,
                                             batch->buffers[0].buf, batch->size);
}

PyObject *context_write_batch(context_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"timestamps", "data", "flags", "keys"};
  static const parameters_t parameters = {"write_batch", words, 4, 2, 4};
  PyObject *given[4];
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (!usable(self, self->handle, "write context")) return NULL;
  if (check_layout(self, given[1]) < 0) return NULL;
  // Again: what the check ran, or finalizers in it, may have closed the context.
  if (!usable(self, self->handle, "write context")) return NULL;
  batch_t batch;
  nanots_ec_t code = NANOTS_EC_OK;
  int status = batch_begin(&batch, given);
  if (status == 0) {
    nanots_write_context_t handle = self->handle;
    Py_BEGIN_ALLOW_THREADS;
    code = batch_append(handle, &batch);
    Py_END_ALLOW_THREADS;
  }
  batch_end(&batch);
  if (status < 0) return NULL;
  if (code != NANOTS_EC_OK) return raise_last(code);
  Py_RETURN_NONE;
}

// ------------------------------------------------------------------------------------------------------------ reading

/// A range of a stream as it is read into arrays.
typedef struct {
  nanots_iterator_t iterator;
  int64_t first, last;
  size_t item_size;
  int64_t *timestamps;
  char *data;
  /// NULL where keys are not asked for.
  int64_t *keys;
  /// The one segment whose frames are read; -1 for all.
  int64_t segment;
  size_t capacity, done;
  uint64_t missed;
  /// A frame that is not of the item's size.
  nanots_frame_t misfit;
} range_t;

/// Frames of a batch that begin before the range. The iterator was put before its first frame, and goes on where it can
/// when that was recycled meanwhile.
static size_t outside(const range_t *range, const nanots_batch_t *batch) {
  size_t count = 0;
  while (count < batch->count) {
    int64_t timestamp;
    memcpy(&timestamp, batch->timestamps + (ptrdiff_t)count * batch->timestamp_stride, sizeof timestamp);
    if (timestamp >= range->first) break;
    count++;
  }
  return count;
}

/// Copies a batch of frames that all have the item's size. What was recycled meanwhile is not counted.
static void copy_batch(range_t *range, const nanots_batch_t *batch) {
  size_t begin = outside(range, batch);
  size_t count = batch->count - begin, room = range->capacity - range->done;
  if (count > room) count = room;
  for (size_t i = 0; i < count; i++) {
    memcpy(&range->timestamps[range->done + i],
           batch->timestamps + (ptrdiff_t)(begin + i) * batch->timestamp_stride, sizeof(int64_t));
  }
  const uint8_t *from = batch->data + begin * batch->data_stride;
  char *to = range->data + range->done * range->item_size;
  if (batch->data_stride == batch->size) {
    memcpy(to, from, count * batch->size);
  } else {
    for (size_t i = 0; i < count; i++) memcpy(to + i * batch->size, from + i * batch->data_stride, batch->size);
  }
  if (nanots_batch_is_intact(batch)) {
    range->done += count;
  } else {
    range->missed += count;
  }
}

/// Reads the frames of a batch one by one, from its first on: they differ in size.
static nanots_ec_t copy_singly(range_t *range, const nanots_batch_t *batch) {
  nanots_frame_t frame;
  int64_t begin;
  memcpy(&begin, batch->timestamps, sizeof begin);
  if (!nanots_batch_is_intact(batch)) {
    range->missed += batch->count;
    return NANOTS_EC_OK;
  }
  nanots_ec_t code = nanots_iterator_find_key(range->iterator, begin, INT64_MIN);
  if (code == NANOTS_EC_OK) code = nanots_iterator_borrow(range->iterator, &frame);
  while (code == NANOTS_EC_OK && frame.ordinal < batch->first_ordinal) {
    code = nanots_iterator_next_frame(range->iterator, &frame);
  }
  for (size_t i = 0; i < batch->count && code == NANOTS_EC_OK && range->done < range->capacity; i++) {
    if (i > 0) code = nanots_iterator_next_frame(range->iterator, &frame);
    if (code != NANOTS_EC_OK || frame.timestamp > range->last) break;
    if (i > 0) range->missed += frame.missed;
    if (frame.timestamp < range->first) continue;
    if (range->segment >= 0 && frame.segment != (uint64_t)range->segment) continue;
    if (frame.size != range->item_size) {
      range->misfit = frame;
      return NANOTS_EC_ROW_SIZE_TOO_BIG;
    }
    if (nanots_frame_copy(&frame, range->data + range->done * range->item_size, range->item_size) == NANOTS_EC_OK) {
      if (range->keys != NULL) range->keys[range->done] = frame.key;
      range->timestamps[range->done++] = frame.timestamp;
    } else {
      range->missed += 1;
    }
  }
  return code;
}

/// Reads one batch of the range.
static nanots_ec_t read_some(range_t *range) {
  nanots_batch_t batch;
  nanots_ec_t code = nanots_iterator_next_batch(range->iterator, range->last, &batch);
  if (code != NANOTS_EC_OK) return code;
  if (range->done > 0) range->missed += batch.missed;
  // A batch tells neither keys nor its segment.
  bool is_plain = range->keys == NULL && range->segment < 0;
  if (!is_plain || batch.data == NULL || batch.size != range->item_size) return copy_singly(range, &batch);
  copy_batch(range, &batch);
  return NANOTS_EC_OK;
}

/// Puts the iterator before the first frame of the range.
static nanots_ec_t begin_range(range_t *range) {
  nanots_ec_t code = nanots_iterator_find_key(range->iterator, range->first, INT64_MIN);
  // Where the frame before is recycled meanwhile, the iterator stands before another: `outside` sees to it.
  if (code == NANOTS_EC_OK) nanots_iterator_prev(range->iterator);
  return code == NANOTS_EC_NOT_FOUND ? NANOTS_EC_END : code;
}

static nanots_ec_t read_all(range_t *range) {
  nanots_ec_t code = begin_range(range);
  while (code == NANOTS_EC_OK && range->done < range->capacity) {
    Py_BEGIN_ALLOW_THREADS;
    code = read_some(range);
    Py_END_ALLOW_THREADS;
    if (PyErr_CheckSignals() < 0) return NANOTS_EC_CANCELLED;
  }
  return code == NANOTS_EC_END ? NANOTS_EC_OK : code;
}

static PyObject *range_result(const range_t *range, nanots_ec_t code) {
  if (PyErr_Occurred()) return NULL;
  if (code == NANOTS_EC_ROW_SIZE_TOO_BIG) {
    return PyErr_Format(PyExc_ValueError, "the frame at %lld has %zu bytes, and an item of the dtype has %zu",
                        (long long)range->misfit.timestamp, range->misfit.size, range->item_size);
  }
  if (code != NANOTS_EC_OK) return raise_last(code);
  if (range->missed > 0) {
    return raise_as(NANOTS_EC_OVERWRITTEN, "%llu frames of the range were recycled, or found damaged, before they were read",
                    (unsigned long long)range->missed);
  }
  return PyLong_FromSize_t(range->done);
}

static int take_range(reader_object *self, PyObject **given, range_t *range, PyObject **stream) {
  int64_t item_size;
  if (reader_take_times(self, given + 1, &range->first, &range->last) < 0) return -1;
  if (take_integer(given[3], "the size of an item of the dtype", 1, INT32_MAX, 0, &item_size) < 0) return -1;
  range->item_size = (size_t)item_size;
  *stream = text_bytes(given[0], "stream_tag");
  return *stream == NULL ? -1 : 0;
}

static nanots_ec_t open_range(reader_object *self, range_t *range, PyObject *stream) {
  nanots_ec_t code = nanots_store_create_iterator(self->store, PyBytes_AsString(stream), NULL, &range->iterator);
  Py_DECREF(stream);
  return code;
}

/// The arrays that a range is read into; those that are not asked for are empty.
typedef struct {
  buffer_t timestamps, data, keys;
} target_t;

static void target_end(target_t *target) {
  if (target->keys.obj != NULL) PyBuffer_Release(&target->keys);
  if (target->data.obj != NULL) PyBuffer_Release(&target->data);
  if (target->timestamps.obj != NULL) PyBuffer_Release(&target->timestamps);
}

static int target_begin(target_t *into, PyObject *timestamps, PyObject *data, PyObject *keys) {
  *into = (target_t){.keys = {.obj = NULL}};
  int flags = BUFFER_C_CONTIGUOUS | BUFFER_WRITABLE;
  int status = PyObject_GetBuffer(timestamps, &into->timestamps, flags);
  if (status == 0) status = PyObject_GetBuffer(data, &into->data, flags);
  if (status == 0 && keys != NULL) status = PyObject_GetBuffer(keys, &into->keys, flags);
  if (status < 0) target_end(into);
  return status;
}

/// Bound: as many frames as each of the arrays has room for.
static void aim(range_t *range, const target_t *target) {
  range->timestamps = target->timestamps.buf;
  range->data = target->data.buf;
  range->keys = target->keys.buf;
  range->capacity = (size_t)target->timestamps.len / sizeof(int64_t);
  size_t rows = (size_t)target->data.len / range->item_size;
  if (range->capacity > rows) range->capacity = rows;
  if (range->keys == NULL) return;
  rows = (size_t)target->keys.len / sizeof(int64_t);
  if (range->capacity > rows) range->capacity = rows;
}

/// Reads a range, or the part of it in one segment, into arrays, and says how many frames it had.
PyObject *reader_fill_columns(reader_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"stream", "first", "last", "item_size", "timestamps", "data", "keys", "segment"};
  static const parameters_t parameters = {"_fill_columns", words, 8, 6, 8};
  PyObject *given[8], *stream;
  range_t range = {.done = 0};
  target_t target;
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (take_integer(given[7], "segment", 0, INT64_MAX, -1, &range.segment) < 0) return NULL;
  if (target_begin(&target, given[4], given[5], given[6]) < 0) return NULL;
  PyObject *result = NULL;
  if (take_range(self, given, &range, &stream) == 0) {
    aim(&range, &target);
    nanots_ec_t code = open_range(self, &range, stream);
    if (code == NANOTS_EC_OK) code = read_all(&range);
    result = range_result(&range, code);
    nanots_iterator_destroy(range.iterator);
  }
  target_end(&target);
  return result;
}

/// The range as two columns that point into the store, or None where it is not frames of one size in one block.
PyObject *reader_view_columns(reader_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"stream", "first", "last", "item_size"};
  static const parameters_t parameters = {"_view_columns", words, 4, 4, 4};
  PyObject *given[4], *name;
  range_t range = {.segment = -1};
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (take_range(self, given, &range, &name) < 0) return NULL;
  Py_DECREF(name);
  iterator_object *owner = (iterator_object *)iterator_make(self->store, self->unit, given[0], 0);
  if (owner == NULL) return NULL;
  range.iterator = owner->handle;
  nanots_batch_t batch, rest;
  nanots_ec_t code = begin_range(&range);
  if (code == NANOTS_EC_OK) code = nanots_iterator_next_batch(range.iterator, range.last, &batch);
  bool is_one = code == NANOTS_EC_OK && batch.data != NULL && batch.size == range.item_size &&
                outside(&range, &batch) == 0 &&
                nanots_iterator_next_batch(range.iterator, range.last, &rest) == NANOTS_EC_END;
  PyObject *columns = is_one ? columns_make(&batch, (PyObject *)owner, &owner->borrowers) : Py_None;
  if (!is_one) Py_INCREF(columns);
  Py_DECREF(owner);
  return columns;
}
