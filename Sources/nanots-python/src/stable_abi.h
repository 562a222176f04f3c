// CPython as one wheel for 3.9 and later sees it: the limited API of 3.9, and what every release from then on has with the
// same layout although its headers only promise it later. Each of these is part of the limited API of 3.11.
#ifndef NANOTS_PYTHON_STABLE_ABI_H
#define NANOTS_PYTHON_STABLE_ABI_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x03090000
#include <Python.h>

// Calls with an array of arguments: a calling convention since 3.7, in the limited API since 3.10.
#ifndef METH_FASTCALL
#define METH_FASTCALL 0x0080
#endif
typedef PyObject *(*fast_method_t)(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
#define FAST_METHOD(name, function, documentation)                                                              \
  {name, (PyCFunction)(void (*)(void))(fast_method_t)(function), METH_FASTCALL | METH_KEYWORDS, documentation}

// The buffer protocol: the struct since 3.3, the slots for types made from a spec since 3.9.
typedef struct {
  void *buf;
  PyObject *obj;
  Py_ssize_t len;
  Py_ssize_t itemsize;
  int readonly;
  int ndim;
  char *format;
  Py_ssize_t *shape;
  Py_ssize_t *strides;
  Py_ssize_t *suboffsets;
  void *internal;
} buffer_t;
#define BUFFER_WRITABLE 0x0001
#define BUFFER_FORMAT 0x0004
#define BUFFER_ND 0x0008
#define BUFFER_STRIDES (0x0010 | BUFFER_ND)
#define BUFFER_C_CONTIGUOUS (0x0020 | BUFFER_STRIDES)
#define SLOT_GET_BUFFER 1
#define SLOT_RELEASE_BUFFER 2
#if defined(__cplusplus)
#error "C only"
#endif
extern int PyObject_GetBuffer(PyObject *object, void *view, int flags);
extern void PyBuffer_Release(void *view);

#endif
