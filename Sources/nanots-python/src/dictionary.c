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

/// The flags that existing programs know.
static uint32_t flags_of(const nanots_frame_t *frame) { return frame->flags & 0xFF; }

/// None where it is not known: the block's preamble is damaged.
static PyObject *segment_metadata(nanots_iterator_t iterator, const nanots_frame_t *frame) {
  const char *text = nanots_iterator_current_metadata(iterator);
  if (text != NULL) return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
  return nanots_frame_is_intact(frame) ? itself(Py_None) : raise_lost(iterator, frame);
}

/// Whether the model has the metadata of the frame's segment.
static bool is_of_segment(const dictionary_model_t *model, const nanots_frame_t *frame) {
  return model->dictionary != NULL && model->metadata != Py_None && model->segment == frame->segment;
}

/// Makes the model of the frame that the iterator stands on. -1 on failure. A new dict, for the last one may be being copied:
/// making one may have finalizers run, and these may move the iterator and ask for its frame.
static int renew(dictionary_model_t *model, nanots_iterator_t iterator, const nanots_frame_t *frame) {
  // Before a dict is made, while the iterator still stands on the frame.
  PyObject *metadata = is_of_segment(model, frame) ? itself(model->metadata) : segment_metadata(iterator, frame);
  PyObject *dictionary = metadata == NULL ? NULL : PyDict_New();
  if (dictionary == NULL) {
    Py_XDECREF(metadata);
    return -1;
  }
  // In the order in which they are to be listed: each in a statement of its own.
  int status = put(dictionary, key_data, itself(Py_None));
  status |= put(dictionary, key_timestamp, itself(Py_None));
  status |= put(dictionary, key_flags, PyLong_FromLong((long)flags_of(frame)));
  status |= put(dictionary, key_sequence, PyLong_FromLongLong(frame->block_sequence));
  status |= put(dictionary, key_metadata, itself(metadata));
  dictionary_model_end(model);
  *model = (dictionary_model_t){dictionary, metadata, frame->segment, frame->block_sequence, flags_of(frame), 0};
  if (status != 0) dictionary_model_end(model);
  return status;
}

/// After so many frames in a row that differ from the model comes another one.
#define MOST_DIFFERING 8

/// Whether copies of the model serve for the frame. Where frames of several blocks or flags take turns, what differs is put
/// right in each copy, which costs less than another model.
static bool serves(dictionary_model_t *model, const nanots_frame_t *frame) {
  if (!is_of_segment(model, frame)) return false;
  bool differs = model->flags != flags_of(frame) || model->block_sequence != frame->block_sequence;
  model->differing = differs ? model->differing + 1 : 0;
  return model->differing <= MOST_DIFFERING;
}

/// A dict with the entries of the frame that the iterator stands on, but for its bytes and its time. A copy of a dict has its
/// table made in one go, with what most frames share already in it.
static PyObject *copy_model(dictionary_model_t *model, nanots_iterator_t iterator, const nanots_frame_t *frame) {
  if (!serves(model, frame) && renew(model, iterator, frame) < 0) return NULL;
  // Kept: finalizers may renew the model meanwhile.
  const dictionary_model_t copied = *model;
  PyObject *shared = itself(copied.dictionary);
  PyObject *dictionary = PyDict_Copy(shared);
  Py_DECREF(shared);
  if (dictionary == NULL) return NULL;
  int status = 0;
  if (copied.flags != flags_of(frame)) status |= put(dictionary, key_flags, PyLong_FromLong((long)flags_of(frame)));
  if (copied.block_sequence != frame->block_sequence)
    status |= put(dictionary, key_sequence, PyLong_FromLongLong(frame->block_sequence));
  if (status == 0) return dictionary;
  Py_DECREF(dictionary);
  return NULL;
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
  PyObject *dictionary = copy_model(model, iterator, frame);
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
