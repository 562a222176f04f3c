// Frames as existing programs know them: dicts of five entries.
#include "module.h"

#include <string.h>

static PyObject *key_data, *key_timestamp, *key_flags, *key_sequence, *key_metadata;

int dictionary_add(void) {
  key_data = PyUnicode_InternFromString("data");
  key_timestamp = PyUnicode_InternFromString("timestamp");
  key_flags = PyUnicode_InternFromString("flags");
  key_sequence = PyUnicode_InternFromString("block_sequence");
  key_metadata = PyUnicode_InternFromString("metadata");
  return key_data && key_timestamp && key_flags && key_sequence && key_metadata ? 0 : -1;
}

/// Why the frame that the iterator stands on could not be copied: it was recycled, or its page is gone.
static PyObject *raise_lost(nanots_iterator_t iterator, const nanots_frame_t *frame) {
  nanots_frame_info_t again;
  nanots_ec_t code = nanots_iterator_get_current_frame(iterator, &again);
  if (code != NANOTS_EC_OK) return raise_last(code);
  return raise_as(NANOTS_EC_OVERWRITTEN, "the frame at %lld was recycled before it was copied",
                  (long long)frame->timestamp);
}

static int put(PyObject *dictionary, PyObject *key, PyObject *value) {
  int status = value == NULL ? -1 : PyDict_SetItem(dictionary, key, value);
  Py_XDECREF(value);
  return status;
}

static PyObject *segment_metadata(nanots_iterator_t iterator) {
  const char *text = nanots_iterator_current_metadata(iterator);
  if (text == NULL) text = "";
  return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

/// Gives the model a dict with the entries of the frame that the iterator stands on, but for its bytes and its time. -1 on
/// failure. A new dict, for the last one may be being copied: making one may have finalizers run, and these may move the
/// iterator and ask for its frame.
static int fit(dictionary_model_t *model, nanots_iterator_t iterator, const nanots_frame_t *frame) {
  uint32_t flags = frame->flags & 0xFF;
  bool is_of_segment = model->dictionary != NULL && model->segment == frame->segment;
  if (is_of_segment && model->flags == flags && model->block_sequence == frame->block_sequence) return 0;
  // Before a dict is made, while the iterator still stands on the frame.
  PyObject *metadata = is_of_segment ? itself(model->metadata) : segment_metadata(iterator);
  PyObject *dictionary = metadata == NULL ? NULL : PyDict_New();
  if (dictionary == NULL) {
    Py_XDECREF(metadata);
    return -1;
  }
  // In the order in which they are to be listed.
  int status = put(dictionary, key_data, itself(Py_None)) | put(dictionary, key_timestamp, itself(Py_None));
  status |= put(dictionary, key_flags, PyLong_FromLong((long)flags));
  status |= put(dictionary, key_sequence, PyLong_FromLongLong(frame->block_sequence));
  status |= put(dictionary, key_metadata, itself(metadata));
  dictionary_model_end(model);
  *model = (dictionary_model_t){dictionary, metadata, frame->segment, frame->block_sequence, flags};
  if (status != 0) dictionary_model_end(model);
  return status;
}

void dictionary_model_end(dictionary_model_t *model) {
  Py_XDECREF(model->dictionary);
  Py_XDECREF(model->metadata);
  model->dictionary = model->metadata = NULL;
}

PyObject *frame_dictionary(dictionary_model_t *model, nanots_iterator_t iterator, const nanots_frame_t *frame) {
  PyObject *bytes = PyBytes_FromStringAndSize((const char *)frame->data, (Py_ssize_t)frame->size);
  if (bytes == NULL) return NULL;
  // What was copied is this frame's only if its block was not recycled until after the copy.
  if (!nanots_frame_is_intact(frame)) {
    Py_DECREF(bytes);
    return raise_lost(iterator, frame);
  }
  // A copy of a dict has its table made in one go, with what most frames share already in it.
  PyObject *shared = fit(model, iterator, frame) < 0 ? NULL : itself(model->dictionary);
  PyObject *dictionary = shared == NULL ? NULL : PyDict_Copy(shared);
  Py_XDECREF(shared);
  if (dictionary == NULL) {
    Py_DECREF(bytes);
    return NULL;
  }
  int status = put(dictionary, key_data, bytes);
  status |= put(dictionary, key_timestamp, PyLong_FromLongLong(frame->timestamp));
  if (status == 0) return dictionary;
  Py_DECREF(dictionary);
  return NULL;
}
