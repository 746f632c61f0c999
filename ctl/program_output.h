/*
 * What another program says of something, run with a deadline.
 */
#pragma once

#include <stddef.h>

/* Runs words[0], looked up in the path, and takes what it writes to both outputs: at most size - 1
 * bytes, ended with a zero. Its exit status; or -ENOENT, -ETIMEDOUT: it was killed then, or -errno.
 */
int program_output(const char *const *words, char *out, size_t size, int timeout_ms);
