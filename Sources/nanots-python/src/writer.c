// Writer: makes contexts, and writes through them.
#include "module.h"

PyTypeObject *writer_type;

static int writer_init(writer_object *self, PyObject *arguments, PyObject *names) {
  static const char *const words[] = {"filename", "auto_reclaim"};
  static const parameters_t parameters = {"Writer", words, 2, 1, 2};
  PyObject *given[2];
  if (arguments_take_tuple(&parameters, arguments, names, given) < 0) return -1;
  int reclaims = take_flag(given[1], 1);
  nanots_store_t store;
  if (reclaims < 0 || self->handle != NULL) return -1;
  if (store_open(given[0], NANOTS_ACCESS_READ_WRITE, &store, &self->unit) < 0) return -1;
  nanots_writer_options_t options = {.struct_size = sizeof options, .without_reclaim = !reclaims};
  nanots_ec_t code = nanots_store_create_writer(store, &options, &self->handle);
  if (code != NANOTS_EC_OK) raise_last(code);
  nanots_store_close(store);
  self->made_after_forks = forks;
  return code == NANOTS_EC_OK ? 0 : -1;
}

static PyObject *writer_new(PyTypeObject *type, PyObject *arguments, PyObject *names) { return object_new(type); }

static void end(writer_object *self) {
  if (self->handle != NULL && self->made_after_forks == forks) nanots_writer_destroy(self->handle);
  self->handle = NULL;
}

static void writer_free(writer_object *self) {
  end(self);
  object_free(self);
}

/// What is given as metadata: its text as UTF-8, and the layout in it, both new references. -1 on failure.
static int take_metadata(PyObject *given, PyObject **text, PyObject **layout) {
  *text = NULL;
  *layout = Py_None;
  Py_INCREF(Py_None);
  if (given == NULL) return 0;
  Py_DECREF(Py_None);
  PyObject *module = PyImport_ImportModule("nanots.layout");
  PyObject *both = module ? PyObject_CallMethod(module, "taken", "O", given) : NULL;
  Py_XDECREF(module);
  if (both == NULL) return -1;
  *text = text_bytes(PyTuple_GetItem(both, 0), "metadata");
  *layout = PyTuple_GetItem(both, 1);
  Py_INCREF(*layout);
  Py_DECREF(both);
  if (*text != NULL) return 0;
  Py_DECREF(*layout);
  return -1;
}

static PyObject *create_context(writer_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"stream_tag", "metadata"};
  static const parameters_t parameters = {"create_context", words, 2, 1, 2};
  PyObject *given[2];
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (!usable(self, self->handle, "writer")) return NULL;
  PyObject *stream = text_bytes(given[0], "stream_tag");
  if (stream == NULL) return NULL;
  PyObject *metadata, *layout;
  if (take_metadata(given[1], &metadata, &layout) < 0) {
    Py_DECREF(stream);
    return NULL;
  }
  nanots_writer_t writer = self->handle;
  nanots_write_context_t handle;
  Py_BEGIN_ALLOW_THREADS;
  handle = nanots_writer_create_context(writer, PyBytes_AsString(stream), metadata ? PyBytes_AsString(metadata) : NULL);
  Py_END_ALLOW_THREADS;
  if (handle == NULL) raise_last(nanots_last_error_code());
  PyObject *context = handle == NULL ? NULL : context_make(self, handle, layout);
  Py_DECREF(stream);
  Py_XDECREF(metadata);
  Py_DECREF(layout);
  return context;
}

static PyObject *writer_write(writer_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"context", "data", "timestamp", "flags"};
  static const parameters_t parameters = {"write", words, 4, 3, 4};
  PyObject *given[4];
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (!usable(self, self->handle, "writer")) return NULL;
  if (Py_TYPE(given[0]) != context_type) {
    return PyErr_Format(PyExc_TypeError, "context is a WriteContext, and %R is none", given[0]);
  }
  context_object *context = (context_object *)given[0];
  if (context->writer != (PyObject *)self) {
    return raise_as(NANOTS_EC_INVALID_ARGUMENT, "the context was made by another writer; write with that one");
  }
  return context_append(context, given[1], given[2], given[3], NULL);
}

static PyObject *free_blocks(PyObject *nothing, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"filename", "stream_tag", "start_timestamp", "end_timestamp"};
  static const parameters_t parameters = {"free_blocks", words, 4, 4, 4};
  PyObject *given[4];
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  int64_t first, last;
  // Without the store open, its unit is not known: only whole numbers are times here.
  if (take_integer(given[2], "start_timestamp", INT64_MIN, INT64_MAX, 0, &first) < 0) return NULL;
  if (take_integer(given[3], "end_timestamp", INT64_MIN, INT64_MAX, 0, &last) < 0) return NULL;
  PyObject *path = path_bytes(given[0]);
  if (path == NULL) return NULL;
  PyObject *stream = text_bytes(given[1], "stream_tag");
  nanots_ec_t code = NANOTS_EC_OK;
  if (stream != NULL) {
    Py_BEGIN_ALLOW_THREADS;
    code = nanots_writer_free_blocks(PyBytes_AsString(path), PyBytes_AsString(stream), first, last);
    Py_END_ALLOW_THREADS;
  }
  Py_DECREF(path);
  if (stream == NULL) return NULL;
  Py_DECREF(stream);
  if (code != NANOTS_EC_OK) return raise_last(code);
  Py_RETURN_NONE;
}

static PyObject *writer_close(writer_object *self, PyObject *arguments) {
  end(self);
  Py_RETURN_NONE;
}

static PyObject *writer_enter(writer_object *self, PyObject *nothing) {
  if (!usable(self, self->handle, "writer")) return NULL;
  Py_INCREF(self);
  return (PyObject *)self;
}

static PyMethodDef methods[] = {
    FAST_METHOD("create_context", create_context,
                "create_context(stream_tag, metadata='')\n--\n\n"
                "Take a stream, which is made if it is not there, to append to it. Its frames form a new segment.\n\n"
                "metadata: a str; or a RecordLayout, or the NumPy dtype of the records, whose layout is then stored as JSON."),
    FAST_METHOD("write", writer_write,
                "write(context, data, timestamp, flags=0)\n--\n\n"
                "Append a frame. Readers in every process see it when this returns."),
    {"free_blocks", (PyCFunction)(void (*)(void))(fast_method_t)free_blocks,
     METH_FASTCALL | METH_KEYWORDS | METH_STATIC,
     "free_blocks(filename, stream_tag, start_timestamp, end_timestamp)\n--\n\n"
     "Free the sealed blocks of a stream whose frames all lie in [start_timestamp, end_timestamp]."},
    {"close", (PyCFunction)writer_close, METH_NOARGS,
     "close()\n--\n\nEnd the writer. Its contexts go on to be usable by their own methods."},
    {"__enter__", (PyCFunction)writer_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)writer_close, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Writer(filename, auto_reclaim=True)\n--\n\nWrites a store. Usable from any number of threads."},
    {Py_tp_new, writer_new},
    {Py_tp_init, writer_init},
    {Py_tp_dealloc, writer_free},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"nanots.Writer", sizeof(writer_object), 0, Py_TPFLAGS_DEFAULT, slots};

int writer_add(PyObject *module) { return (writer_type = type_add(module, &spec)) == NULL ? -1 : 0; }
