/* The path of a file from any directory. See absolute_path.h. */
#include "daemon/config/absolute_path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Past "./" or "../" and more slashes; NULL if it begins with something else. */
static const char *skip(const char *path, const char *dots)
{
        size_t length = strlen(dots);

        if (strncmp(path, dots, length) != 0 || path[length] != '/')
                return NULL;
        return path + length + strspn(path + length, "/");
}

int absolute_path(const char *path, char *out, size_t size)
{
        char directory[PATH_MAX] = "";
        const char *rest;

        if (*path != '/' && !getcwd(directory, sizeof(directory)))
                return -errno;
        while (*path && *path != '/') {
                if ((rest = skip(path, ".."))) {
                        char *slash = strrchr(directory, '/');

                        if (slash)
                                *slash = '\0'; /* of "/" nothing is left, which is right, too */
                } else {
                        rest = skip(path, ".");
                        if (!rest)
                                break;
                }
                path = rest;
        }
        if (strcmp(directory, "/") == 0)
                *directory = '\0';
        return snprintf(out, size, "%s%s%s", directory, *path == '/' ? "" : "/", path) < (int)size
                       ? 0
                       : -ENAMETOOLONG;
}
