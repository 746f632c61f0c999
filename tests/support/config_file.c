/* A configuration file of a test's own. See config_file.h. */
#include "tests/support/config_file.h"

#include "tests/support/fixture.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void config_file_make(ConfigFile *file)
{
        file->directory = make_temp_dir();
        ck_assert_int_eq(chmod(file->directory, 0755), 0);
        snprintf(file->path, sizeof(file->path), "%s/kyron-iod.conf", file->directory);
}

void config_file_write(const ConfigFile *file, const char *format, ...)
{
        FILE *stream = fopen(file->path, "we");
        va_list args;

        ck_assert_ptr_nonnull(stream);
        va_start(args, format);
        vfprintf(stream, format, args);
        va_end(args);
        ck_assert_int_eq(fclose(stream), 0);
}

void config_file_remove(ConfigFile *file)
{
        char *more;

        if (asprintf(&more, "%s/conf.d", file->directory) >= 0) {
                if (access(more, F_OK) == 0)
                        remove_temp_dir(more);
                else
                        free(more);
        }
        remove_temp_dir(file->directory);
}
