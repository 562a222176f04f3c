// The module: its types, and the functions that need no object.
#include "module.h"

#include <string.h>

int breathe(void) {
  if (PyErr_CheckSignals() < 0) return -1;
  Py_BEGIN_ALLOW_THREADS;
  Py_END_ALLOW_THREADS;
  return 0;
}

PyTypeObject *type_add(PyObject *module, PyType_Spec *spec) {
  PyObject *type = PyType_FromSpec(spec);
  if (type == NULL) return NULL;
  Py_INCREF(type);
  if (PyModule_AddObject(module, strrchr(spec->name, '.') + 1, type) < 0) {
    Py_DECREF(type);
    return NULL;
  }
  return (PyTypeObject *)type;
}

void *object_new(PyTypeObject *type) {
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  PyObject *object = allocate(type, 0);
  if (object == NULL) return NULL;
  typedef struct {
    OBJECT_HEAD
  } any_object;
  ((any_object *)object)->made_after_forks = forks;
  return object;
}

void object_free(void *object) {
  PyTypeObject *type = Py_TYPE((PyObject *)object);
  freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
  release(object);
  Py_DECREF(type);
}

static PyObject *allocate_file(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
  static const char *const words[] = {"filename", "block_size", "n_blocks"};
  static const parameters_t parameters = {"allocate_file", words, 3, 3, 3};
  PyObject *given[3];
  int64_t block_size, blocks;
  if (arguments_take(&parameters, arguments, count, names, given) < 0) return NULL;
  if (take_integer(given[1], "block_size", 0, UINT32_MAX, 0, &block_size) < 0) return NULL;
  if (take_integer(given[2], "n_blocks", 0, UINT32_MAX, 0, &blocks) < 0) return NULL;
  PyObject *path = path_bytes(given[0]);
  if (path == NULL) return NULL;
  nanots_ec_t code;
  Py_BEGIN_ALLOW_THREADS;
  code = nanots_writer_allocate_file(PyBytes_AsString(path), (uint32_t)block_size, (uint32_t)blocks);
  Py_END_ALLOW_THREADS;
  Py_DECREF(path);
  if (code != NANOTS_EC_OK) return raise_last(code);
  Py_RETURN_NONE;
}

static PyObject *guard_bus_errors(PyObject *module, PyObject *nothing) {
  nanots_ec_t code = nanots_install_bus_error_guard();
  if (code != NANOTS_EC_OK) return raise_last(code);
  Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    FAST_METHOD("allocate_file", allocate_file,
                "allocate_file(filename, block_size, n_blocks)\n--\n\n"
                "Make a store of n_blocks blocks of block_size bytes, in place of a file that is there."),
    {"guard_bus_errors", guard_bus_errors, METH_NOARGS,
     "guard_bus_errors()\n--\n\n"
     "Make a page that the disk does not give an IOFailureError, and not the end of the process by SIGBUS."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "nanots._nanots", "The part of nanots that is in C.", -1, functions, NULL, NULL, NULL, NULL,
};

static int fill(PyObject *module) {
  if (fork_watch() < 0 || dictionary_add() < 0 || errors_add(module) < 0) return -1;
  if (store_add(module) < 0 || writer_add(module) < 0 || context_add(module) < 0) return -1;
  if (reader_add(module) < 0 || iterator_add(module) < 0 || follower_add(module) < 0) return -1;
  if (frame_add(module) < 0 || column_add(module) < 0 || pin_add(module) < 0) return -1;
  return PyModule_AddStringConstant(module, "__version__", nanots_version());
}

PyMODINIT_FUNC PyInit__nanots(void) {
  PyObject *module = PyModule_Create(&definition);
  if (module == NULL || fill(module) == 0) return module;
  Py_DECREF(module);
  return NULL;
}
