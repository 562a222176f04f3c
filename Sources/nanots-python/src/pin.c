// Pin: blocks that no writer recycles while there are others.
#include "module.h"

PyTypeObject *pin_type;

typedef struct {
  OBJECT_HEAD
  nanots_pin_t handle;
} pin_object;

PyObject *pin_make(nanots_pin_t handle) {
  pin_object *self = object_new(pin_type);
  if (self == NULL) {
    nanots_pin_destroy(handle);
    return NULL;
  }
  self->handle = handle;
  return (PyObject *)self;
}

static void end(pin_object *self) {
  if (self->made_after_forks == forks) nanots_pin_destroy(self->handle);
  self->handle = NULL;
}

static void pin_free(pin_object *self) {
  end(self);
  object_free(self);
}

static PyObject *pin_close(pin_object *self, PyObject *arguments) {
  end(self);
  Py_RETURN_NONE;
}

static PyObject *pin_enter(pin_object *self, PyObject *nothing) {
  if (!usable(self, self->handle, "pin")) return NULL;
  Py_INCREF(self);
  return (PyObject *)self;
}

static PyObject *blocks(pin_object *self, void *nothing) {
  return usable(self, self->handle, "pin") ? PyLong_FromUnsignedLongLong(nanots_pin_blocks(self->handle)) : NULL;
}

static PyObject *intact(pin_object *self, void *nothing) {
  return usable(self, self->handle, "pin") ? PyBool_FromLong(nanots_pin_is_intact(self->handle)) : NULL;
}

static PyMethodDef methods[] = {
    {"close", (PyCFunction)pin_close, METH_NOARGS, "close()\n--\n\nLet the blocks go."},
    {"__enter__", (PyCFunction)pin_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)pin_close, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef members[] = {
    {"blocks", (getter)blocks, NULL, "How many blocks are pinned.", NULL},
    {"intact", (getter)intact, NULL, "Whether none was taken all the same, since nothing else was left.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Blocks that no writer recycles while there are others, from Store.pin."},
    {Py_tp_dealloc, pin_free},
    {Py_tp_methods, methods},
    {Py_tp_getset, members},
    {0, NULL},
};

static PyType_Spec spec = {"nanots.Pin", sizeof(pin_object), 0, Py_TPFLAGS_DEFAULT, slots};

int pin_add(PyObject *module) { return (pin_type = type_add(module, &spec)) == NULL ? -1 : 0; }
