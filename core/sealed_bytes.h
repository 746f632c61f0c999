/*
 * Sealed bytes: a file in memory that nobody can change any more, to be passed to another process;
 * or one whose bytes can change, and nothing else.
 */
#pragma once

#include <stddef.h>

/* what is who it is for, in sentences: "a note". The descriptor, close-on-exec, or with
 * error_text(): -EFBIG it is over the process's limit of file sizes, and no SIGXFSZ is sent;
 * -EMFILE, -ENFILE, -ENOMEM, -ENOSYS, -EPERM. */
int sealed_bytes_new(const char *what, const void *bytes, size_t size);
/* The same with zeros that anybody who has it can write to; there are never more or fewer. */
int sealed_bytes_new_writable(const char *what, size_t size);
