// WriteContext: the one writer of one stream.
#include "module.h"

PyTypeObject *context_type;

PyObject *context_make(writer_object *writer, nanots_write_context_t handle, PyObject *layout) {
  context_object *self = object_new(context_type);
  if (self == NULL) {
    nanots_write_context_destroy(handle);
    return NULL;
  }
  Py_INCREF(writer);
  self->writer = (PyObject *)writer;
  Py_INCREF(layout);
  self->layout = layout;
  self->handle = handle;
  self->unit = writer->unit;
  self->waits = writer->waits;
  return (PyObject *)self;
}

static void context_free(context_object *self) {
  if (self->handle != NULL && self->made_after_forks == forks) {
    Py_BEGIN_ALLOW_THREADS;
    nanots_write_context_destroy(self->handle);
    Py_END_ALLOW_THREADS;
  }
  Py_XDECREF(self->writer);
  Py_XDECREF(self->layout);
  Py_XDECREF(self->fitting);
  object_free(self);
}

/// Appends the bytes: at once where the open block has room, else without the interpreter's lock.
static nanots_ec_t append(context_object *self, const void *bytes, Py_ssize_t size, int64_t timestamp, int64_t key,
                          uint32_t flags) {
  nanots_write_context_t handle = self->handle;
  nanots_ec_t code = NANOTS_EC_WOULD_WAIT;
  if (!self->waits) code = nanots_write_context_try_append(handle, bytes, (size_t)size, timestamp, key, flags);
  if (code != NANOTS_EC_WOULD_WAIT) return code;
  Py_BEGIN_ALLOW_THREADS;
  code = nanots_write_context_append(handle, bytes, (size_t)size, timestamp, key, flags);
  Py_END_ALLOW_THREADS;
  return code;
}

PyObject *context_append(context_object *self, PyObject *data, PyObject *timestamp, PyObject *flags, PyObject *key) {
  int64_t at, flag_bits, key_value;
  if (!usable(self, self->handle, "write context")) return NULL;
  if (take_timestamp(timestamp, "timestamp", self->unit, &at) < 0) return NULL;
  if (take_integer(flags, "flags", 0, UINT32_MAX, 0, &flag_bits) < 0) return NULL;
  if (take_integer(key, "key", INT64_MIN, INT64_MAX, 0, &key_value) < 0) return NULL;
  nanots_ec_t code;
  if (PyBytes_CheckExact(data)) {
    code = append(self, PyBytes_AsString(data), PyBytes_Size(data), at, key_value, (uint32_t)flag_bits);
  } else {
    buffer_t buffer;
    if (PyObject_GetBuffer(data, &buffer, BUFFER_C_CONTIGUOUS) < 0) return NULL;
    code = append(self, buffer.buf, buffer.len, at, key_value, (uint32_t)flag_bits);
    PyBuffer_Release(&buffer);
  }
  if (code != NANOTS_EC_OK) return raise_last(code);
  Py_RETURN_NONE;
}

static PyObject *context_write(context_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"data", "timestamp", "flags", "key"};
  static const parameters_t parameters = {"write", words, 4, 2, 4};
  PyObject *given[4];
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  return context_append(self, given[0], given[1], given[2], given[3]);
}

static PyObject *flush(context_object *self, PyObject *nothing) {
  if (!usable(self, self->handle, "write context")) return NULL;
  nanots_write_context_t handle = self->handle;
  nanots_ec_t code;
  Py_BEGIN_ALLOW_THREADS;
  code = nanots_write_context_flush(handle);
  Py_END_ALLOW_THREADS;
  if (code != NANOTS_EC_OK) return raise_last(code);
  Py_RETURN_NONE;
}

static PyObject *last(context_object *self, PyObject *nothing) {
  int64_t timestamp, key;
  if (!usable(self, self->handle, "write context")) return NULL;
  nanots_ec_t code = nanots_write_context_last(self->handle, &timestamp, &key);
  if (code == NANOTS_EC_END) Py_RETURN_NONE;
  if (code != NANOTS_EC_OK) return raise_last(code);
  return Py_BuildValue("LL", (long long)timestamp, (long long)key);
}

static PyObject *context_close(context_object *self, PyObject *arguments) {
  nanots_write_context_t handle = self->handle;
  if (handle == NULL || self->made_after_forks != forks) Py_RETURN_NONE;
  nanots_ec_t code;
  Py_BEGIN_ALLOW_THREADS;
  code = nanots_write_context_close(handle);
  Py_END_ALLOW_THREADS;
  // Of two threads that close it, one finds it in use or gone.
  if (code == NANOTS_EC_INVALID_ARGUMENT && self->handle == NULL) Py_RETURN_NONE;
  if (code != NANOTS_EC_IN_USE) self->handle = NULL;
  if (code != NANOTS_EC_OK) return raise_last(code);
  Py_RETURN_NONE;
}

static PyObject *context_enter(context_object *self, PyObject *nothing) {
  if (!usable(self, self->handle, "write context")) return NULL;
  Py_INCREF(self);
  return (PyObject *)self;
}

static PyObject *maximum_frame_size(context_object *self, void *nothing) {
  if (!usable(self, self->handle, "write context")) return NULL;
  return PyLong_FromSize_t(nanots_write_context_maximum_frame_size(self->handle));
}

static PyMethodDef methods[] = {
    FAST_METHOD("write", context_write,
                "write(data, timestamp, flags=0, key=0)\n--\n\n"
                "Append a frame; `key` orders frames of equal timestamp."),
    FAST_METHOD("write_batch", context_write_batch,
                "write_batch(timestamps, data, flags=None, keys=None)\n--\n\n"
                "Append many frames. All are checked before the first is stored.\n\n"
                "timestamps, flags, keys: arrays of whole numbers, or sequences of them. data: a sequence of bytes-like\n"
                "objects, or an array with one row (or one element) for each frame. InvalidArgumentError, with both, for an\n"
                "array whose dtype differs from the record layout that the context was made with."),
    {"flush", (PyCFunction)flush, METH_NOARGS,
     "flush()\n--\n\nMake every frame appended so far survive a power loss. Waits for the disk."},
    {"last", (PyCFunction)last, METH_NOARGS,
     "last()\n--\n\nTimestamp and key of the stream's last frame, or None when it has none."},
    {"close", (PyCFunction)context_close, METH_NOARGS,
     "close()\n--\n\nSeal the open block, sync it as the durability says, and let the stream go."},
    {"__enter__", (PyCFunction)context_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)context_close, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef members[] = {
    {"maximum_frame_size", (getter)maximum_frame_size, NULL, "The most bytes that a frame can have here.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "The one writer of one stream, from Writer.create_context. Used by one thread at a time."},
    {Py_tp_dealloc, context_free},
    {Py_tp_methods, methods},
    {Py_tp_getset, members},
    {0, NULL},
};

static PyType_Spec spec = {"nanots.WriteContext", sizeof(context_object), 0, Py_TPFLAGS_DEFAULT, slots};

int context_add(PyObject *module) {
  return (context_type = type_add(module, &spec)) == NULL ? -1 : 0;
}
