/*
 * What a piece of this process writes to a standard stream, as a string.
 */
#pragma once

#include <stddef.h>

/* From now on what goes to this descriptor (1, 2) is kept. One at a time. */
void capture_start(int fd);
/* Up to here. Writes at most size bytes, with the terminating zero, and returns buffer. */
const char *capture_end(char *buffer, size_t size);
