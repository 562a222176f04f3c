// Frame: a frame with its bytes where they are, in the store.
#include "module.h"

PyTypeObject *frame_type;

typedef struct {
  OBJECT_HEAD
  nanots_frame_t frame;
  /// What the bytes live by, and where it counts its frames.
  PyObject *owner;
  Py_ssize_t *borrowers;
  PyObject *stream;
  int unit;
} frame_object;

PyObject *frame_make(const nanots_frame_t *frame, PyObject *owner, Py_ssize_t *borrowers, PyObject *stream, int unit) {
  frame_object *self = object_new(frame_type);
  if (self == NULL) return NULL;
  self->frame = *frame;
  Py_INCREF(owner);
  self->owner = owner;
  self->borrowers = borrowers;
  *borrowers += 1;
  Py_XINCREF(stream);
  self->stream = stream;
  self->unit = unit;
  return (PyObject *)self;
}

static void frame_free(frame_object *self) {
  if (self->owner != NULL) *self->borrowers -= 1;
  Py_XDECREF(self->owner);
  Py_XDECREF(self->stream);
  object_free(self);
}

static bool is_usable(frame_object *self) { return usable(self, self->owner, "frame"); }

static bool is_intact(frame_object *self) { return nanots_frame_is_intact(&self->frame) != 0; }

static PyObject *was_recycled(frame_object *self) {
  return raise_as(NANOTS_EC_OVERWRITTEN, "the frame at %lld was recycled", (long long)self->frame.timestamp);
}

static int get_buffer(frame_object *self, buffer_t *view, int flags) {
  view->obj = NULL;
  if (!is_usable(self)) return -1;
  if (flags & BUFFER_WRITABLE) {
    PyErr_SetString(PyExc_BufferError, "the bytes of a frame cannot be changed");
    return -1;
  }
  if (!is_intact(self)) {
    was_recycled(self);
    return -1;
  }
  Py_INCREF(self);
  *view = (buffer_t){
      .buf = (void *)(self->frame.data ? self->frame.data : (const uint8_t *)""),
      .obj = (PyObject *)self,
      .len = (Py_ssize_t)self->frame.size,
      .itemsize = 1,
      .readonly = 1,
      .ndim = 1,
      .format = flags & BUFFER_FORMAT ? (char *)"B" : NULL,
  };
  if (flags & BUFFER_ND) view->shape = &view->len;
  if ((flags & BUFFER_STRIDES) == BUFFER_STRIDES) view->strides = &view->itemsize;
  return 0;
}

static PyObject *data(frame_object *self, void *nothing) {
  if (!is_usable(self)) return NULL;
  PyObject *bytes = PyBytes_FromStringAndSize((const char *)self->frame.data, (Py_ssize_t)self->frame.size);
  if (bytes == NULL || is_intact(self)) return bytes;
  Py_DECREF(bytes);
  return was_recycled(self);
}

static PyObject *view(frame_object *self, void *nothing) { return PyMemoryView_FromObject((PyObject *)self); }

static PyObject *intact(frame_object *self, void *nothing) {
  return is_usable(self) ? PyBool_FromLong(is_intact(self)) : NULL;
}

static PyObject *time_of(frame_object *self, void *nothing) {
  PyObject *module = PyImport_ImportModule("nanots._times");
  if (module == NULL) return NULL;
  PyObject *time = PyObject_CallMethod(module, "datetime_of", "Li", (long long)self->frame.timestamp, self->unit);
  Py_DECREF(module);
  return time;
}

static PyObject *stream_of(frame_object *self, void *nothing) {
  PyObject *stream = self->stream ? self->stream : Py_None;
  Py_INCREF(stream);
  return stream;
}

#define NUMBER(member, convert) \
  static PyObject *member(frame_object *self, void *nothing) { return convert(self->frame.member); }
NUMBER(timestamp, PyLong_FromLongLong)
NUMBER(key, PyLong_FromLongLong)
NUMBER(ordinal, PyLong_FromUnsignedLongLong)
NUMBER(segment, PyLong_FromUnsignedLongLong)
NUMBER(block_sequence, PyLong_FromLongLong)
NUMBER(missed, PyLong_FromUnsignedLongLong)
NUMBER(flags, PyLong_FromUnsignedLong)
NUMBER(was_clamped, PyBool_FromLong)

static Py_ssize_t size(frame_object *self) { return (Py_ssize_t)self->frame.size; }

static PyGetSetDef members[] = {
    {"data", (getter)data, NULL, "The bytes, copied and then checked. OverwrittenError when they were recycled.", NULL},
    {"view", (getter)view, NULL,
     "The bytes where they are, as a memoryview. A writer may recycle them: ask `intact` after what was done with them.",
     NULL},
    {"intact", (getter)intact, NULL, "Whether everything read from the view so far was this frame's.", NULL},
    {"timestamp", (getter)timestamp, NULL, "In the store's unit.", NULL},
    {"time", (getter)time_of, NULL, "The timestamp as a datetime in UTC, rounded down to microseconds.", NULL},
    {"key", (getter)key, NULL, "Orders frames of equal timestamp; 0 without keys.", NULL},
    {"flags", (getter)flags, NULL, "32 bits of the program's own.", NULL},
    {"ordinal", (getter)ordinal, NULL, "The number of the frame in the stream, from 0, with none left out.", NULL},
    {"segment", (getter)segment, NULL, "The number of the segment in the stream, from 0.", NULL},
    {"block_sequence", (getter)block_sequence, NULL, "The number of the frame's block within the stream.", NULL},
    {"missed", (getter)missed, NULL, "Frames left out just before this one: recycled before they were read, or damaged.",
     NULL},
    {"was_clamped", (getter)was_clamped, NULL, "Whether the library set the timestamp, since the clock was behind.", NULL},
    {"stream", (getter)stream_of, NULL, "The name of the stream, for frames of a follower; else None.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "A frame with its bytes where they are, in the store; bytes-like. All else are values that do not change.\n\n"
     "It keeps the store mapped. bytes(frame) may have bytes that were recycled in between: `data` has not."},
    {Py_tp_dealloc, frame_free},
    {Py_tp_getset, members},
    {Py_mp_length, size},
    {SLOT_GET_BUFFER, get_buffer},
    {0, NULL},
};

static PyType_Spec spec = {"nanots.Frame", sizeof(frame_object), 0, Py_TPFLAGS_DEFAULT, slots};

int frame_add(PyObject *module) { return (frame_type = type_add(module, &spec)) == NULL ? -1 : 0; }
