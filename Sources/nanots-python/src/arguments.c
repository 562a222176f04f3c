// Arguments as the module's functions take them. The limited API has no fast parser of its own.
#include "module.h"

#include <math.h>
#include <string.h>

static int place_of(const parameters_t *parameters, PyObject *name) {
  for (int i = 0; i < parameters->count; i++) {
    if (PyUnicode_CompareWithASCIIString(name, parameters->names[i]) == 0) return i;
  }
  return -1;
}

static int by_name(const parameters_t *parameters, PyObject *name, PyObject *value, PyObject **into) {
  int place = place_of(parameters, name);
  if (place >= 0 && into[place] == NULL) {
    into[place] = value;
    return 0;
  }
  PyErr_Format(PyExc_TypeError, place < 0 ? "%s() has no argument '%U'" : "%s() got '%U' twice", parameters->function,
               name);
  return -1;
}

/// Sees to it that what is required is there, and that what is left out is NULL.
static int finish(const parameters_t *parameters, PyObject **into) {
  for (int i = 0; i < parameters->count; i++) {
    if (i >= parameters->required && into[i] == Py_None) into[i] = NULL;
    if (i >= parameters->required || into[i] != NULL) continue;
    PyErr_Format(PyExc_TypeError, "%s() needs the argument '%s'", parameters->function, parameters->names[i]);
    return -1;
  }
  return 0;
}

static int check_places(const parameters_t *parameters, Py_ssize_t count) {
  if (count <= parameters->by_place) return 0;
  PyErr_Format(PyExc_TypeError, "%s() takes %d arguments by place, and got %zd", parameters->function,
               parameters->by_place, count);
  return -1;
}

int arguments_take(const parameters_t *parameters, PyObject *const *arguments, Py_ssize_t count, PyObject *names,
                   PyObject **into) {
  if (check_places(parameters, count) < 0) return -1;
  for (int i = 0; i < parameters->count; i++) into[i] = i < count ? arguments[i] : NULL;
  Py_ssize_t named = names == NULL ? 0 : PyTuple_Size(names);
  for (Py_ssize_t i = 0; i < named; i++) {
    if (by_name(parameters, PyTuple_GetItem(names, i), arguments[count + i], into) < 0) return -1;
  }
  return finish(parameters, into);
}

int arguments_take_tuple(const parameters_t *parameters, PyObject *arguments, PyObject *names, PyObject **into) {
  Py_ssize_t count = PyTuple_Size(arguments);
  if (check_places(parameters, count) < 0) return -1;
  for (int i = 0; i < parameters->count; i++) into[i] = i < count ? PyTuple_GetItem(arguments, i) : NULL;
  PyObject *name, *value;
  for (Py_ssize_t place = 0; names != NULL && PyDict_Next(names, &place, &name, &value);) {
    if (by_name(parameters, name, value, into) < 0) return -1;
  }
  return finish(parameters, into);
}

PyObject *path_bytes(PyObject *path) {
  PyObject *bytes = NULL;
  return PyUnicode_FSConverter(path, &bytes) ? bytes : NULL;
}

PyObject *text_bytes(PyObject *text, const char *what) {
  if (!PyUnicode_Check(text)) {
    PyErr_Format(PyExc_TypeError, "%s is a str, and %R is none", what, text);
    return NULL;
  }
  PyObject *bytes = PyUnicode_AsUTF8String(text);
  if (bytes == NULL) {
    PyErr_Clear();
    return raise_as(NANOTS_EC_INVALID_ARGUMENT, "%s %R cannot be written as UTF-8", what, text);
  }
  if (strlen(PyBytes_AsString(bytes)) == (size_t)PyBytes_Size(bytes)) return bytes;
  Py_DECREF(bytes);
  return raise_as(NANOTS_EC_INVALID_ARGUMENT, "%s %R has a NUL in it", what, text);
}

/// A whole number as 64 bits. -1 with an exception set when it has more; 1 when the object is no whole number.
static int whole_number(PyObject *object, const char *what, int64_t *into) {
  PyObject *number = object;
  if (PyLong_Check(object)) {
    Py_INCREF(number);
  } else {
    if (!PyIndex_Check(object)) return 1;
    number = PyNumber_Index(object);
    if (number == NULL) return -1;
  }
  int overflows = 0;
  *into = PyLong_AsLongLongAndOverflow(number, &overflows);
  Py_DECREF(number);
  if (overflows == 0) return *into == -1 && PyErr_Occurred() ? -1 : 0;
  raise_as(NANOTS_EC_INVALID_ARGUMENT, "%s %R does not fit into 64 bits", what, object);
  return -1;
}

int take_integer(PyObject *object, const char *what, int64_t lowest, int64_t highest, int64_t fallback, int64_t *into) {
  if (object == NULL) {
    *into = fallback;
    return 0;
  }
  int status = whole_number(object, what, into);
  if (status > 0) PyErr_Format(PyExc_TypeError, "%s is a whole number, and %R is none", what, object);
  if (status != 0) return -1;
  if (*into >= lowest && *into <= highest) return 0;
  raise_as(NANOTS_EC_INVALID_ARGUMENT, "%s is %lld to %lld, and %R is not", what, (long long)lowest,
           (long long)highest, object);
  return -1;
}

int take_timestamp(PyObject *object, const char *what, int unit, int64_t *into) {
  int status = whole_number(object, what, into);
  if (status <= 0) return status;
  PyObject *module = PyImport_ImportModule("nanots._times");
  if (module == NULL) return -1;
  PyObject *number = PyObject_CallMethod(module, "timestamp", "Osi", object, what, unit);
  Py_DECREF(module);
  if (number == NULL) return -1;
  status = whole_number(number, what, into);
  Py_DECREF(number);
  return status == 0 ? 0 : -1;
}

int take_flag(PyObject *object, int fallback) { return object == NULL ? fallback : PyObject_IsTrue(object); }

int take_timeout(PyObject *object, int64_t *milliseconds) {
  *milliseconds = -1;
  if (object == NULL) return 0;
  double seconds = PyFloat_AsDouble(object);
  if (seconds == -1 && PyErr_Occurred()) return -1;
  if (!(seconds >= 0)) {
    raise_as(NANOTS_EC_INVALID_ARGUMENT, "a timeout is 0 seconds or more, or None, and %R is not", object);
    return -1;
  }
  // Whatever is beyond a century waits for one.
  *milliseconds = (int64_t)ceil(fmin(seconds, 3e9) * 1000);
  return 0;
}
