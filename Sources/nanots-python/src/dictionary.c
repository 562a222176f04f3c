// Frames as existing programs know them: dicts of five entries.
#include "module.h"

#include <string.h>

static PyObject *key_data, *key_timestamp, *key_flags, *key_sequence, *key_metadata;
/// A dict with these keys. A copy of it has its table made in one go.
static PyObject *template;

int dictionary_add(void) {
  key_data = PyUnicode_InternFromString("data");
  key_timestamp = PyUnicode_InternFromString("timestamp");
  key_flags = PyUnicode_InternFromString("flags");
  key_sequence = PyUnicode_InternFromString("block_sequence");
  key_metadata = PyUnicode_InternFromString("metadata");
  template = PyDict_New();
  PyObject *keys[] = {key_data, key_timestamp, key_flags, key_sequence, key_metadata};
  for (int i = 0; i < 5; i++) {
    if (template == NULL || keys[i] == NULL || PyDict_SetItem(template, keys[i], Py_None) < 0) return -1;
  }
  return 0;
}

static int put(PyObject *dictionary, PyObject *key, PyObject *value) {
  int status = value == NULL ? -1 : PyDict_SetItem(dictionary, key, value);
  Py_XDECREF(value);
  return status;
}

/// Why the frame that the iterator stands on could not be copied: it was recycled, or its page is gone.
static PyObject *raise_lost(nanots_iterator_t iterator, const nanots_frame_t *frame) {
  nanots_frame_info_t again;
  nanots_ec_t code = nanots_iterator_get_current_frame(iterator, &again);
  if (code != NANOTS_EC_OK) return raise_last(code);
  return raise_as(NANOTS_EC_OVERWRITTEN, "the frame at %lld was recycled before it was copied",
                  (long long)frame->timestamp);
}

PyObject *frame_dictionary(nanots_iterator_t iterator, const nanots_frame_t *frame, PyObject *metadata) {
  PyObject *bytes = PyBytes_FromStringAndSize((const char *)frame->data, (Py_ssize_t)frame->size);
  if (bytes == NULL) return NULL;
  // What was copied is this frame's only if its block was not recycled until after the copy.
  if (!nanots_frame_is_intact(frame)) {
    Py_DECREF(bytes);
    return raise_lost(iterator, frame);
  }
  PyObject *dictionary = PyDict_Copy(template);
  if (dictionary == NULL) {
    Py_DECREF(bytes);
    return NULL;
  }
  Py_INCREF(metadata);
  int status = put(dictionary, key_data, bytes);
  status |= put(dictionary, key_timestamp, PyLong_FromLongLong(frame->timestamp));
  status |= put(dictionary, key_flags, PyLong_FromLong((long)(frame->flags & 0xFF)));
  status |= put(dictionary, key_sequence, PyLong_FromLongLong(frame->block_sequence));
  status |= put(dictionary, key_metadata, metadata);
  if (status == 0) return dictionary;
  Py_DECREF(dictionary);
  return NULL;
}

PyObject *segment_metadata(nanots_iterator_t iterator) {
  const char *text = nanots_iterator_current_metadata(iterator);
  if (text == NULL) text = "";
  return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}
