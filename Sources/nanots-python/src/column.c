// Columns: the timestamps or the payloads of consecutive frames where they are, as arrays with a stride.
#include "module.h"

PyTypeObject *column_type;

typedef struct {
  OBJECT_HEAD
  nanots_batch_t batch;
  bool is_timestamps;
  PyObject *owner;
  Py_ssize_t *borrowers;
  Py_ssize_t shape[2];
  Py_ssize_t strides[2];
} column_object;

static PyObject *column_make(const nanots_batch_t *batch, bool is_timestamps, PyObject *owner, Py_ssize_t *borrowers) {
  column_object *self = object_new(column_type);
  if (self == NULL) return NULL;
  self->batch = *batch;
  self->is_timestamps = is_timestamps;
  self->shape[0] = (Py_ssize_t)batch->count;
  self->shape[1] = (Py_ssize_t)batch->size;
  self->strides[0] = is_timestamps ? (Py_ssize_t)batch->timestamp_stride : (Py_ssize_t)batch->data_stride;
  self->strides[1] = 1;
  Py_INCREF(owner);
  self->owner = owner;
  self->borrowers = borrowers;
  *borrowers += 1;
  return (PyObject *)self;
}

PyObject *columns_make(const nanots_batch_t *batch, PyObject *owner, Py_ssize_t *borrowers) {
  PyObject *timestamps = column_make(batch, true, owner, borrowers);
  PyObject *data = column_make(batch, false, owner, borrowers);
  PyObject *both = timestamps && data ? Py_BuildValue("OO", timestamps, data) : NULL;
  Py_XDECREF(timestamps);
  Py_XDECREF(data);
  return both;
}

static void column_free(column_object *self) {
  if (self->owner != NULL) *self->borrowers -= 1;
  Py_XDECREF(self->owner);
  object_free(self);
}

static int get_buffer(column_object *self, buffer_t *view, int flags) {
  view->obj = NULL;
  if (!usable(self, self->owner, "column")) return -1;
  if (flags & BUFFER_WRITABLE || (flags & BUFFER_STRIDES) != BUFFER_STRIDES) {
    PyErr_SetString(PyExc_BufferError, "a column can be read, by strides");
    return -1;
  }
  Py_INCREF(self);
  Py_ssize_t size = self->is_timestamps ? 8 : 1;
  *view = (buffer_t){
      .buf = (void *)(self->is_timestamps ? self->batch.timestamps : self->batch.data),
      .obj = (PyObject *)self,
      .len = self->shape[0] * (self->is_timestamps ? size : self->shape[1]),
      .itemsize = size,
      .readonly = 1,
      .ndim = self->is_timestamps ? 1 : 2,
      .format = flags & BUFFER_FORMAT ? (char *)(self->is_timestamps ? "q" : "B") : NULL,
      .shape = self->shape,
      .strides = self->strides,
  };
  return 0;
}

static PyObject *intact(column_object *self, void *nothing) {
  if (!usable(self, self->owner, "column")) return NULL;
  return PyBool_FromLong(nanots_batch_is_intact(&self->batch));
}

static PyGetSetDef members[] = {
    {"intact", (getter)intact, NULL, "Whether everything read so far was these frames'.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, column_free},
    {Py_tp_getset, members},
    {SLOT_GET_BUFFER, get_buffer},
    {0, NULL},
};

static PyType_Spec spec = {"nanots._nanots._Column", sizeof(column_object), 0, Py_TPFLAGS_DEFAULT, slots};

int column_add(PyObject *module) { return (column_type = type_add(module, &spec)) == NULL ? -1 : 0; }
