/*
 * A configuration file of a test's own, for kyron-iod --config.
 */
#pragma once

#include <stddef.h>

typedef struct ConfigFile {
        char *directory;
        char path[256];
} ConfigFile;

/* Makes a directory and the file in it; the first write makes a file with this text. */
void config_file_make(ConfigFile *file);
void config_file_write(const ConfigFile *file, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void config_file_remove(ConfigFile *file);
