// Iterator: a place in a stream.
#include "module.h"

#include <string.h>

PyTypeObject *iterator_type;

static PyObject *iterator_new(PyTypeObject *type, PyObject *arguments, PyObject *names) { return object_new(type); }

/// Makes the handle of `self`. -1 on failure.
static int begin(iterator_object *self, nanots_store_t store, PyObject *stream, int verify_checksums) {
  PyObject *name = text_bytes(stream, "stream_tag");
  if (name == NULL) return -1;
  nanots_iterator_options_t options = {.struct_size = sizeof options, .verify_checksums = verify_checksums ? 1 : 0};
  nanots_iterator_t handle = NULL;
  nanots_ec_t code = nanots_store_create_iterator(store, PyBytes_AsString(name), &options, &handle);
  self->handle = handle;
  Py_DECREF(name);
  if (code != NANOTS_EC_OK) raise_last(code);
  return code == NANOTS_EC_OK ? 0 : -1;
}

static int iterator_init(iterator_object *self, PyObject *arguments, PyObject *names) {
  static const char *const words[] = {"filename", "stream_tag"};
  static const parameters_t parameters = {"Iterator", words, 2, 2, 2};
  PyObject *given[2];
  if (arguments_take_tuple(&parameters, arguments, names, given) < 0) return -1;
  if (self->handle != NULL) {
    PyErr_SetString(PyExc_TypeError, "an iterator is made once");
    return -1;
  }
  nanots_store_t store;
  if (store_open(given[0], NANOTS_ACCESS_READ_ONLY, &store, &self->unit) < 0) return -1;
  int status = begin(self, store, given[1], 0);
  nanots_store_close(store);
  return status;
}

static void end(iterator_object *self) {
  if (self->made_after_forks == forks) nanots_iterator_destroy(self->handle);
  self->handle = NULL;
  self->has_found = false;
}

static void iterator_free(iterator_object *self) {
  end(self);
  dictionary_model_end(&self->model);
  object_free(self);
}

static bool is_usable(iterator_object *self) { return lender_usable(self, "iterator"); }

/// The same for what moves the iterator.
static bool may_move(iterator_object *self) {
  self->has_found = false;
  return is_usable(self);
}

static PyObject *iterator_close(iterator_object *self, PyObject *arguments) {
  if (lender_close(self)) end(self);
  Py_RETURN_NONE;
}

static PyObject *iterator_enter(iterator_object *self, PyObject *nothing) {
  if (!is_usable(self)) return NULL;
  Py_INCREF(self);
  return (PyObject *)self;
}

// ------------------------------------------------------------------------------------------------------------- frames

static PyObject *no_frame(void) {
  return raise_as(NANOTS_EC_INVALID_ARGUMENT, "the iterator stands on no frame; ask valid(), or find one first");
}

static PyObject *get_current_frame(iterator_object *self, PyObject *nothing) {
  nanots_frame_t frame;
  if (!is_usable(self)) return NULL;
  if (self->has_found) {
    // A copy: a dict that is made may have finalizers run, and these move the iterator.
    frame = self->found;
    return frame_dictionary(&self->model, self->handle, &frame);
  }
  nanots_ec_t code = nanots_iterator_borrow(self->handle, &frame);
  if (code == NANOTS_EC_END) return no_frame();
  return code == NANOTS_EC_OK ? frame_dictionary(&self->model, self->handle, &frame) : raise_last(code);
}

static PyObject *borrow(iterator_object *self, PyObject *nothing) {
  nanots_frame_t frame;
  if (!is_usable(self)) return NULL;
  nanots_ec_t code = nanots_iterator_borrow(self->handle, &frame);
  if (code == NANOTS_EC_END) return no_frame();
  if (code != NANOTS_EC_OK) return raise_last(code);
  return frame_make(&frame, (PyObject *)self, &self->borrowers, NULL, self->unit);
}

static PyObject *step(iterator_object *self, nanots_ec_t (*move)(nanots_iterator_t, nanots_frame_t *)) {
  nanots_frame_t frame;
  if (!may_move(self)) return NULL;
  nanots_ec_t code = move(self->handle, &frame);
  if (code == NANOTS_EC_END) Py_RETURN_NONE;
  if (code != NANOTS_EC_OK) return raise_last(code);
  return frame_make(&frame, (PyObject *)self, &self->borrowers, NULL, self->unit);
}

static PyObject *next_frame(iterator_object *self, PyObject *nothing) { return step(self, nanots_iterator_next_frame); }
static PyObject *prev_frame(iterator_object *self, PyObject *nothing) { return step(self, nanots_iterator_prev_frame); }

static nanots_ec_t step_waiting(void *handle, int64_t milliseconds, nanots_frame_t *frame, size_t *stream) {
  return nanots_iterator_wait_next(handle, milliseconds, frame);
}

static PyObject *wait_next(iterator_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"timeout"};
  static const parameters_t parameters = {"wait_next", words, 1, 0, 1};
  PyObject *given[1];
  int64_t milliseconds;
  nanots_frame_t frame;
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (take_timeout(given[0], &milliseconds) < 0) return NULL;
  self->has_found = false;
  int found = lender_wait(self, "iterator", step_waiting, milliseconds, &frame, NULL);
  // Again: signal handlers and other threads had their turns meanwhile.
  self->has_found = false;
  if (found < 0) return NULL;
  if (found == 0) Py_RETURN_NONE;
  return frame_make(&frame, (PyObject *)self, &self->borrowers, NULL, self->unit);
}

/// The frame that the iterator stands on, behind which it then stands.
static PyObject *iterate(iterator_object *self) {
  nanots_frame_t frame;
  if (!may_move(self)) return NULL;
  nanots_ec_t code = nanots_iterator_borrow(self->handle, &frame);
  if (code != NANOTS_EC_OK) return code == NANOTS_EC_END ? NULL : raise_last(code);
  PyObject *current = frame_dictionary(&self->model, self->handle, &frame);
  // Also when the frame was recycled: the next turn is at the next one. Finalizers may have found another meanwhile.
  if (!may_move(self)) {
    Py_XDECREF(current);
    return NULL;
  }
  code = nanots_iterator_next(self->handle);
  if (code == NANOTS_EC_OK || current == NULL) return current;
  Py_DECREF(current);
  return raise_last(code);
}

static PyObject *iter_all(iterator_object *self, PyObject *nothing) {
  if (!may_move(self)) return NULL;
  nanots_ec_t code = nanots_iterator_reset(self->handle);
  return code == NANOTS_EC_OK ? itself((PyObject *)self) : raise_last(code);
}

// ------------------------------------------------------------------------------------------------------------- places

static PyObject *valid(iterator_object *self, PyObject *nothing) {
  return is_usable(self) ? PyBool_FromLong(nanots_iterator_valid(self->handle)) : NULL;
}

static PyObject *move(iterator_object *self, nanots_ec_t (*to)(nanots_iterator_t)) {
  if (!may_move(self)) return NULL;
  nanots_ec_t code = to(self->handle);
  if (code != NANOTS_EC_OK) return raise_last(code);
  Py_RETURN_NONE;
}

static PyObject *next(iterator_object *self, PyObject *nothing) { return move(self, nanots_iterator_next); }
static PyObject *prev(iterator_object *self, PyObject *nothing) { return move(self, nanots_iterator_prev); }
static PyObject *reset(iterator_object *self, PyObject *nothing) { return move(self, nanots_iterator_reset); }
static PyObject *last(iterator_object *self, PyObject *nothing) { return move(self, nanots_iterator_last); }
static PyObject *seek_end(iterator_object *self, PyObject *nothing) { return move(self, nanots_iterator_seek_end); }

static PyObject *find(iterator_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"timestamp", "key"};
  static const parameters_t parameters = {"find", words, 2, 1, 2};
  PyObject *given[2];
  int64_t timestamp, key;
  if (arguments_take(&parameters, arguments, count, names, given) < 0 || !is_usable(self)) return NULL;
  if (take_timestamp(given[0], "timestamp", self->unit, &timestamp) < 0) return NULL;
  if (take_integer(given[1], "key", INT64_MIN, INT64_MAX, INT64_MIN, &key) < 0) return NULL;
  if (!may_move(self)) return NULL;
  nanots_ec_t code = nanots_iterator_find_frame(self->handle, timestamp, key, &self->found);
  self->has_found = code == NANOTS_EC_OK;
  // Existing programs know "there is none" by another code, which the call that they know gives.
  if (code == NANOTS_EC_NOT_FOUND && given[1] == NULL) code = nanots_iterator_find(self->handle, timestamp);
  if (code != NANOTS_EC_OK) return raise_last(code);
  Py_RETURN_NONE;
}

static PyObject *current_block_sequence(iterator_object *self, PyObject *nothing) {
  return is_usable(self) ? PyLong_FromLongLong(nanots_iterator_current_block_sequence(self->handle)) : NULL;
}

static PyObject *current_metadata(iterator_object *self, PyObject *nothing) {
  if (!is_usable(self)) return NULL;
  const char *text = nanots_iterator_current_metadata(self->handle);
  if (text == NULL) Py_RETURN_NONE;
  return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

static PyObject *missed(iterator_object *self, PyObject *nothing) {
  return is_usable(self) ? PyLong_FromUnsignedLongLong(nanots_iterator_missed(self->handle)) : NULL;
}

// --------------------------------------------------------------------------------------------------------------- type

static PyMethodDef methods[] = {
    {"valid", (PyCFunction)valid, METH_NOARGS, "valid()\n--\n\nWhether the iterator stands on a frame."},
    {"get_current_frame", (PyCFunction)get_current_frame, METH_NOARGS,
     "get_current_frame()\n--\n\nThe frame that the iterator stands on, as a dict. OverwrittenError when it was recycled:\n"
     "the iterator moves on when asked."},
    {"next", (PyCFunction)next, METH_NOARGS, "next()\n--\n\nStep forward; past the last frame it is not valid."},
    {"prev", (PyCFunction)prev, METH_NOARGS, "prev()\n--\n\nStep back; before the first frame it is not valid."},
    {"reset", (PyCFunction)reset, METH_NOARGS, "reset()\n--\n\nGo to the oldest frame."},
    FAST_METHOD("find", find,
                "find(timestamp, key=None)\n--\n\nGo to the first frame at or after timestamp, or (timestamp, key).\n"
                "InvalidArgumentError, or with a key NotFoundError, when there is none."),
    {"current_block_sequence", (PyCFunction)current_block_sequence, METH_NOARGS,
     "current_block_sequence()\n--\n\nThe number of the frame's block within the stream; 0 when not valid."},
    {"current_metadata", (PyCFunction)current_metadata, METH_NOARGS,
     "current_metadata()\n--\n\nThe metadata of the frame's segment; None when not valid, or not to be read."},
    {"iter_all", (PyCFunction)iter_all, METH_NOARGS, "iter_all()\n--\n\nGo to the oldest frame and iterate from there."},
    {"last", (PyCFunction)last, METH_NOARGS, "last()\n--\n\nGo to the newest frame."},
    {"seek_end", (PyCFunction)seek_end, METH_NOARGS,
     "seek_end()\n--\n\nGo behind the newest frame: next() comes to what is appended from now on."},
    {"missed", (PyCFunction)missed, METH_NOARGS,
     "missed()\n--\n\nHow many frames the last move left out: recycled before they were read, or damaged."},
    {"borrow", (PyCFunction)borrow, METH_NOARGS,
     "borrow()\n--\n\nThe frame that the iterator stands on, with its bytes where they are: see Frame."},
    {"next_frame", (PyCFunction)next_frame, METH_NOARGS,
     "next_frame()\n--\n\nStep forward; the Frame, or None past the last one."},
    {"prev_frame", (PyCFunction)prev_frame, METH_NOARGS,
     "prev_frame()\n--\n\nStep back; the Frame, or None before the first one."},
    FAST_METHOD("wait_next", wait_next,
                "wait_next(timeout=None)\n--\n\nAs next_frame; waits up to so many seconds for one that is not there yet."),
    {"close", (PyCFunction)iterator_close, METH_NOARGS, "close()\n--\n\nEnd the iterator."},
    {"__enter__", (PyCFunction)iterator_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)iterator_close, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Iterator(filename, stream_tag)\n--\n\nA place in a stream, at first its oldest frame. Used by one thread at a time.\n"
     "A `for` loop goes on from the current place."},
    {Py_tp_new, iterator_new},
    {Py_tp_init, iterator_init},
    {Py_tp_dealloc, iterator_free},
    {Py_tp_iter, itself},
    {Py_tp_iternext, iterate},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"nanots.Iterator", sizeof(iterator_object), 0, Py_TPFLAGS_DEFAULT, slots};

int iterator_add(PyObject *module) { return (iterator_type = type_add(module, &spec)) == NULL ? -1 : 0; }

PyObject *iterator_make(nanots_store_t store, int unit, PyObject *stream, int verify_checksums) {
  iterator_object *self = object_new(iterator_type);
  if (self == NULL) return NULL;
  self->unit = unit;
  if (begin(self, store, stream, verify_checksums) == 0) return (PyObject *)self;
  Py_DECREF(self);
  return NULL;
}
