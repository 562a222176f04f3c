// Lenders: what iterators and followers have in common, whose frames point into the store.
#include "module.h"

bool lender_usable(void *object, const char *what) {
  lender_object *lender = object;
  return usable(lender, lender->is_closed ? NULL : lender->handle, what);
}

int lender_wait(void *object, const char *what, lender_step_t step, int64_t left, nanots_frame_t *frame,
                size_t *stream) {
  lender_object *lender = object;
  nanots_ec_t code;
  do {
    if (!lender_usable(lender, what)) return -1;
    // In slices, so that Ctrl-C is seen.
    int64_t slice = left < 0 || left > 100 ? 100 : left;
    void *handle = lender->handle;
    lender->borrowers += 1;
    Py_BEGIN_ALLOW_THREADS;
    code = step(handle, slice, frame, stream);
    Py_END_ALLOW_THREADS;
    lender->borrowers -= 1;
    if (left > 0) left -= slice;
    if (code == NANOTS_EC_TIMED_OUT && PyErr_CheckSignals() < 0) return -1;
  } while (code == NANOTS_EC_TIMED_OUT && left != 0);
  if (!lender_usable(lender, what)) return -1;
  if (code == NANOTS_EC_OK) return 1;
  if (code == NANOTS_EC_TIMED_OUT) return 0;
  raise_last(code);
  return -1;
}

bool lender_close(void *object) {
  lender_object *lender = object;
  lender->is_closed = true;
  return lender->borrowers == 0;
}

PyObject *itself(PyObject *object) {
  Py_INCREF(object);
  return object;
}
