// Follower: several streams merged as they grow.
#include "module.h"

PyTypeObject *follower_type;

typedef struct {
  OBJECT_HEAD
  nanots_follower_t handle;
  /// A tuple of the streams' names.
  PyObject *streams;
  int unit;
  /// How long an iteration waits for a frame; negative: without limit.
  int64_t milliseconds;
  Py_ssize_t borrowers;
  bool is_closed;
} follower_object;

PyObject *follower_make(nanots_follower_t handle, PyObject *streams, int unit, int64_t milliseconds) {
  follower_object *self = object_new(follower_type);
  if (self == NULL) {
    nanots_follower_destroy(handle);
    return NULL;
  }
  Py_INCREF(streams);
  self->streams = streams;
  self->handle = handle;
  self->unit = unit;
  self->milliseconds = milliseconds;
  return (PyObject *)self;
}

static void end(follower_object *self) {
  if (self->made_after_forks == forks) nanots_follower_destroy(self->handle);
  self->handle = NULL;
}

static void follower_free(follower_object *self) {
  end(self);
  Py_XDECREF(self->streams);
  object_free(self);
}

static bool is_usable(follower_object *self) {
  return usable(self, self->is_closed ? NULL : self->handle, "follower");
}

static PyObject *follower_close(follower_object *self, PyObject *arguments) {
  self->is_closed = true;
  // With frames that point into the store, or another thread waiting, it ends when this object does, which they keep.
  if (self->borrowers == 0) end(self);
  Py_RETURN_NONE;
}

static PyObject *follower_enter(follower_object *self, PyObject *nothing) {
  if (!is_usable(self)) return NULL;
  Py_INCREF(self);
  return (PyObject *)self;
}

/// The next frame; NULL without an exception when none came in time.
static PyObject *wait(follower_object *self, int64_t left) {
  nanots_frame_t frame;
  size_t stream = 0;
  nanots_ec_t code;
  if (!is_usable(self)) return NULL;
  do {
    // In slices, so that Ctrl-C is seen.
    int64_t slice = left < 0 || left > 100 ? 100 : left;
    nanots_follower_t handle = self->handle;
    self->borrowers += 1;
    Py_BEGIN_ALLOW_THREADS;
    code = nanots_follower_next(handle, slice, &frame, &stream);
    Py_END_ALLOW_THREADS;
    self->borrowers -= 1;
    if (left > 0) left -= slice;
    if (code == NANOTS_EC_TIMED_OUT && PyErr_CheckSignals() < 0) return NULL;
    if (!is_usable(self)) return NULL;
  } while (code == NANOTS_EC_TIMED_OUT && left != 0);
  if (code == NANOTS_EC_TIMED_OUT) return NULL;
  if (code != NANOTS_EC_OK) return raise_last(code);
  PyObject *name = PyTuple_GetItem(self->streams, (Py_ssize_t)stream);
  return frame_make(&frame, (PyObject *)self, &self->borrowers, name, self->unit);
}

static PyObject *iterate(follower_object *self) { return wait(self, self->milliseconds); }

static PyObject *follower_next(follower_object *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"timeout"};
  static const parameters_t parameters = {"next", words, 1, 0, 1};
  PyObject *given[1];
  int64_t milliseconds;
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (take_timeout(given[0], &milliseconds) < 0) return NULL;
  PyObject *frame = wait(self, milliseconds);
  if (frame != NULL || PyErr_Occurred()) return frame;
  Py_RETURN_NONE;
}

static PyObject *itself(PyObject *self) {
  Py_INCREF(self);
  return self;
}

static PyObject *asynchronously(follower_object *self) {
  PyObject *module = PyImport_ImportModule("nanots._asynchronous");
  if (module == NULL) return NULL;
  PyObject *frames = PyObject_CallMethod(module, "frames", "OL", self, (long long)self->milliseconds);
  Py_DECREF(module);
  return frames;
}

static PyMethodDef methods[] = {
    FAST_METHOD("next", follower_next,
                "next(timeout=None)\n--\n\nThe next frame of any of the streams, as a Frame; None when none came in time."),
    {"close", (PyCFunction)follower_close, METH_NOARGS, "close()\n--\n\nEnd the follower."},
    {"__enter__", (PyCFunction)follower_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)follower_close, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Several streams merged as they grow, from Store.follow; for `for` and `async for`. Used by one thread at a time."},
    {Py_tp_dealloc, follower_free},
    {Py_tp_iter, itself},
    {Py_tp_iternext, iterate},
    {Py_am_aiter, asynchronously},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"nanots.Follower", sizeof(follower_object), 0, Py_TPFLAGS_DEFAULT, slots};

int follower_add(PyObject *module) { return (follower_type = type_add(module, &spec)) == NULL ? -1 : 0; }
