/* A directory for what is one user's alone. See private_directory.h. */
#include "core/private_directory.h"

#include "core/error.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int private_directory_check(const char *path)
{
        struct stat file;

        if (stat(path, &file) < 0)
                return error_set(errno, "%s: %s", path, strerror(errno));
        if (file.st_uid != geteuid() && file.st_uid != 0)
                return error_set(EPERM, "%s is user %u's, not yours: use a directory of your own",
                                 path, (unsigned)file.st_uid);
        if (file.st_mode & (S_IWGRP | S_IWOTH) && !(file.st_mode & S_ISVTX))
                return error_set(
                        EPERM, "%s may be written by others: chmod go-w, or use another directory",
                        path);
        return 0;
}
