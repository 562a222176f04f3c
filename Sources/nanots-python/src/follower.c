// Follower: several streams merged as they grow.
#include "module.h"

PyTypeObject *follower_type;

typedef struct {
  LENDER_HEAD
  /// A tuple of the streams' names.
  PyObject *streams;
  /// How long an iteration waits for a frame; negative: without limit.
  int64_t milliseconds;
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

static bool is_usable(follower_object *self) { return lender_usable(self, "follower"); }

static PyObject *follower_close(follower_object *self, PyObject *arguments) {
  if (lender_close(self)) end(self);
  Py_RETURN_NONE;
}

static PyObject *follower_enter(follower_object *self, PyObject *nothing) {
  if (!is_usable(self)) return NULL;
  Py_INCREF(self);
  return (PyObject *)self;
}

static nanots_ec_t step(void *handle, int64_t milliseconds, nanots_frame_t *frame, size_t *stream) {
  return nanots_follower_next(handle, milliseconds, frame, stream);
}

/// The next frame; NULL without an exception when none came in time.
static PyObject *wait(follower_object *self, int64_t milliseconds) {
  nanots_frame_t frame;
  size_t stream = 0;
  if (lender_wait(self, "follower", step, milliseconds, &frame, &stream) != 1) return NULL;
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
