// Reader: answers questions and reads ranges.
#include "module.h"

PyTypeObject *reader_type;

static PyObject *reader_new(PyTypeObject *type, PyObject *arguments, PyObject *names) { return object_new(type); }

static int reader_init(reader_object *self, PyObject *arguments, PyObject *names) {
  static const char *const words[] = {"filename"};
  static const parameters_t parameters = {"Reader", words, 1, 1, 1};
  PyObject *given[1];
  if (arguments_take_tuple(&parameters, arguments, names, given) < 0 || self->handle != NULL) return -1;
  self->made_after_forks = forks;
  if (store_open(given[0], NANOTS_ACCESS_READ_ONLY, &self->store, &self->unit) < 0) return -1;
  nanots_ec_t code = nanots_store_create_reader(self->store, &self->handle);
  if (code != NANOTS_EC_OK) raise_last(code);
  return code == NANOTS_EC_OK ? 0 : -1;
}

static void end(reader_object *self) {
  if (self->made_after_forks == forks) {
    nanots_reader_destroy(self->handle);
    if (self->store != NULL) nanots_store_close(self->store);
  }
  self->handle = NULL;
  self->store = NULL;
}

static void reader_free(reader_object *self) {
  end(self);
  object_free(self);
}

static PyObject *reader_close(reader_object *self, PyObject *arguments) {
  end(self);
  Py_RETURN_NONE;
}

static PyObject *reader_enter(reader_object *self, PyObject *nothing) {
  if (!usable(self, self->handle, "reader")) return NULL;
  Py_INCREF(self);
  return (PyObject *)self;
}

int reader_take_times(reader_object *self, PyObject **given, int64_t *first, int64_t *last) {
  if (!usable(self, self->handle, "reader")) return -1;
  if (take_timestamp(given[0], "start_timestamp", self->unit, first) < 0) return -1;
  if (take_timestamp(given[1], "end_timestamp", self->unit, last) < 0) return -1;
  if (*first <= *last) return 0;
  raise_as(NANOTS_EC_INVALID_ARGUMENT, "the range from %lld to %lld ends before it begins; swap the two",
           (long long)*first, (long long)*last);
  return -1;
}

// ------------------------------------------------------------------------------------------------------------ reading

/// Appends the frame that the iterator stands on. -1 on failure.
static int add_frame(PyObject *list, dictionary_model_t *model, nanots_iterator_t iterator, const nanots_frame_t *frame) {
  PyObject *dictionary = frame_dictionary(model, iterator, frame);
  int status = dictionary == NULL ? -1 : PyList_Append(list, dictionary);
  Py_XDECREF(dictionary);
  return status;
}

/// Appends every frame from the one that the iterator stands on to the last at or before `last`. -1 on failure.
static int add_frames(PyObject *list, nanots_iterator_t iterator, int64_t last) {
  dictionary_model_t model = {NULL};
  uint64_t missed = 0;
  nanots_frame_t frame;
  nanots_ec_t code = nanots_iterator_borrow(iterator, &frame);
  int status = 0;
  for (size_t done = 1; status == 0 && code == NANOTS_EC_OK && frame.timestamp <= last; done++) {
    status = add_frame(list, &model, iterator, &frame);
    if (status == 0) code = nanots_iterator_next_frame(iterator, &frame);
    if (code == NANOTS_EC_OK && frame.timestamp <= last) missed += frame.missed;
    if (done % 1024 == 0 && status == 0) status = breathe();
  }
  dictionary_model_end(&model);
  if (status < 0) return -1;
  if (code != NANOTS_EC_OK && code != NANOTS_EC_END) {
    raise_last(code);
    return -1;
  }
  if (missed == 0) return 0;
  raise_as(NANOTS_EC_OVERWRITTEN, "%llu frames of the range were recycled, or found damaged, before they were read",
           (unsigned long long)missed);
  return -1;
}

static PyObject *reader_read(reader_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"stream_tag", "start_timestamp", "end_timestamp"};
  static const parameters_t parameters = {"read", words, 3, 3, 3};
  PyObject *given[3];
  int64_t first, last;
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (reader_take_times(self, given + 1, &first, &last) < 0) return NULL;
  PyObject *stream = text_bytes(given[0], "stream_tag");
  if (stream == NULL) return NULL;
  nanots_iterator_t iterator = NULL;
  nanots_ec_t code = nanots_store_create_iterator(self->store, PyBytes_AsString(stream), NULL, &iterator);
  Py_DECREF(stream);
  if (code != NANOTS_EC_OK) return raise_last(code);
  PyObject *list = PyList_New(0);
  int status = list == NULL ? -1 : 0;
  code = nanots_iterator_find_key(iterator, first, INT64_MIN);
  if (status == 0 && code == NANOTS_EC_OK) status = add_frames(list, iterator, last);
  if (status == 0 && code != NANOTS_EC_OK && code != NANOTS_EC_NOT_FOUND) {
    raise_last(code);
    status = -1;
  }
  nanots_iterator_destroy(iterator);
  if (status == 0) return list;
  Py_XDECREF(list);
  return NULL;
}

static PyObject *reader_count(reader_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"stream_tag", "start_timestamp", "end_timestamp"};
  static const parameters_t parameters = {"count", words, 3, 3, 3};
  PyObject *given[3];
  int64_t first, last;
  uint64_t frames = 0;
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (reader_take_times(self, given + 1, &first, &last) < 0) return NULL;
  PyObject *stream = text_bytes(given[0], "stream_tag");
  if (stream == NULL) return NULL;
  nanots_ec_t code = nanots_reader_count(self->handle, PyBytes_AsString(stream), first, last, &frames);
  Py_DECREF(stream);
  return code == NANOTS_EC_OK ? PyLong_FromUnsignedLongLong(frames) : raise_last(code);
}

// ---------------------------------------------------------------------------------------------------------- questions

static PyObject *segment_dictionary(const nanots_contiguous_segment_t *segment) {
  return Py_BuildValue("{s:L,s:L,s:L}", "segment_id", (long long)segment->segment_id, "start_timestamp",
                       (long long)segment->start_timestamp, "end_timestamp", (long long)segment->end_timestamp);
}

static PyObject *query_segments(reader_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"stream_tag", "start_timestamp", "end_timestamp"};
  static const parameters_t parameters = {"query_contiguous_segments", words, 3, 3, 3};
  PyObject *given[3];
  int64_t first, last;
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (reader_take_times(self, given + 1, &first, &last) < 0) return NULL;
  PyObject *stream = text_bytes(given[0], "stream_tag");
  if (stream == NULL) return NULL;
  nanots_contiguous_segment_t *segments = NULL;
  size_t found = 0;
  nanots_reader_t handle = self->handle;
  nanots_ec_t code;
  Py_BEGIN_ALLOW_THREADS;
  code = nanots_reader_query_contiguous_segments(handle, PyBytes_AsString(stream), first, last, &segments, &found);
  Py_END_ALLOW_THREADS;
  Py_DECREF(stream);
  if (code != NANOTS_EC_OK) return raise_last(code);
  PyObject *list = PyList_New(0);
  int status = list == NULL ? -1 : 0;
  for (size_t i = 0; status == 0 && i < found; i++) {
    PyObject *dictionary = segment_dictionary(&segments[i]);
    status = dictionary == NULL ? -1 : PyList_Append(list, dictionary);
    Py_XDECREF(dictionary);
  }
  nanots_free_contiguous_segments(segments);
  if (status == 0) return list;
  Py_XDECREF(list);
  return NULL;
}

static PyObject *query_tags(reader_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"start_timestamp", "end_timestamp"};
  static const parameters_t parameters = {"query_stream_tags", words, 2, 2, 2};
  PyObject *given[2];
  int64_t first, last;
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (reader_take_times(self, given, &first, &last) < 0) return NULL;
  // The answers wait in the handle: no other thread comes between, which would ask for its own.
  nanots_ec_t code = nanots_reader_query_stream_tags_start(self->handle, first, last);
  if (code != NANOTS_EC_OK) return raise_last(code);
  PyObject *list = PyList_New(0);
  const char *tag;
  while (list != NULL && (tag = nanots_reader_query_stream_tags_next(self->handle)) != NULL) {
    PyObject *text = PyUnicode_FromString(tag);
    if (text == NULL || PyList_Append(list, text) < 0) Py_CLEAR(list);
    Py_XDECREF(text);
  }
  return list;
}

/// An iterator of the reader's own store.
static PyObject *iterator_of(reader_object *self, PyObject *stream) {
  if (!usable(self, self->handle, "reader")) return NULL;
  return iterator_make(self->store, self->unit, stream, 0);
}

static PyMethodDef methods[] = {
    FAST_METHOD("read", reader_read,
                "read(stream_tag, start_timestamp, end_timestamp)\n--\n\n"
                "The frames with a timestamp in [start_timestamp, end_timestamp], oldest first, as dicts. OverwrittenError\n"
                "when a writer recycled some meanwhile."),
    FAST_METHOD("count", reader_count,
                "count(stream_tag, start_timestamp, end_timestamp)\n--\n\nHow many frames there are, without reading them."),
    FAST_METHOD("query_contiguous_segments", query_segments,
                "query_contiguous_segments(stream_tag, start_timestamp, end_timestamp)\n--\n\n"
                "The parts of the stream in which no block is missing, oldest first, as dicts."),
    FAST_METHOD("query_stream_tags", query_tags,
                "query_stream_tags(start_timestamp, end_timestamp)\n--\n\n"
                "The names of the streams with a frame in the range, sorted."),
    {"_iterator", (PyCFunction)iterator_of, METH_O, NULL},
    FAST_METHOD("_fill_columns", reader_fill_columns, NULL),
    FAST_METHOD("_view_columns", reader_view_columns, NULL),
    {"close", (PyCFunction)reader_close, METH_NOARGS, "close()\n--\n\nEnd the reader."},
    {"__enter__", (PyCFunction)reader_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)reader_close, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyObject *time_unit(reader_object *self, void *nothing) { return PyLong_FromLong(self->unit); }

static PyGetSetDef members[] = {
    {"_unit", (getter)time_unit, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Reader(filename)\n--\n\nAnswers questions and reads ranges. Usable from any number of threads."},
    {Py_tp_new, reader_new},
    {Py_tp_init, reader_init},
    {Py_tp_dealloc, reader_free},
    {Py_tp_methods, methods},
    {Py_tp_getset, members},
    {0, NULL},
};

static PyType_Spec spec = {"nanots._nanots.Reader", sizeof(reader_object), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                           slots};

int reader_add(PyObject *module) { return (reader_type = type_add(module, &spec)) == NULL ? -1 : 0; }
