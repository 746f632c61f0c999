/*
 * The path of a file from any directory, also once the directory of now is gone.
 */
#pragma once

#include <stddef.h>

/* The path, absolute. What it begins with, "./" and "../", is gone: the current directory's name
 * has no links in it, so that is the same. Links further on stay, and lead wherever they do by
 * then. 0, or -ENAMETOOLONG, or -errno when there is no current directory; without error_text(). */
int absolute_path(const char *path, char *out, size_t size);
