/*
 * Sealed bytes: a file in memory that nobody can change any more, to be passed to another process.
 */
#pragma once

#include <stddef.h>

/* what is who it is for, in sentences: "a note". The descriptor, close-on-exec, or with
 * error_text(): -EFBIG it is over the process's limit of file sizes, and no SIGXFSZ is sent;
 * -EMFILE, -ENFILE, -ENOMEM, -ENOSYS, -EPERM. */
int sealed_bytes_new(const char *what, const void *bytes, size_t size);
