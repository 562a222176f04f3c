// The last error of each thread, memory that may be refused, and a table that is there from the beginning: what Swift has
// no words for.
#include "nanots.h"
#include "nanots_internal.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGE_CAPACITY = 1024 };

static _Thread_local nanots_ec_t last_code;
static _Thread_local char last_message[MESSAGE_CAPACITY];

const char *nanots_last_error_message(void) { return last_message; }

nanots_ec_t nanots_last_error_code(void) { return last_code; }

void nanots_internal_note_error(uint32_t code, const char *text, size_t length) {
  if (length >= MESSAGE_CAPACITY) {
    length = MESSAGE_CAPACITY - 1;
    // 10xxxxxx continues a character of UTF-8: it is cut before its first byte.
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length--;
  }
  if (length > 0) memcpy(last_message, text, length);
  last_message[length] = 0;
  last_code = (nanots_ec_t)code;
}

void *nanots_internal_chunks[NANOTS_CHUNK_COUNT];

int nanots_internal_grow(void **buffer, size_t *capacity, size_t wanted) {
  size_t size = *capacity < 256 ? 256 : *capacity;
  while (size < wanted) size = size > SIZE_MAX / 2 ? wanted : size * 2;
  void *grown = malloc(size);
  if (!grown && size > wanted) grown = malloc(size = wanted);
  if (!grown) return 0;
  free(*buffer);
  *buffer = grown;
  *capacity = size;
  return 1;
}

void nanots_internal_free(void *buffer) { free(buffer); }
