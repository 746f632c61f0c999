/* A file in memory that nobody can change. See sealed_bytes.h. */
#include "core/sealed_bytes.h"

#include "core/cleanup.h"
#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

int sealed_bytes_new(const char *what, const void *bytes, size_t size)
{
        CLEANUP(cleanup_close) int fd = -1;
        struct rlimit limit;
        ssize_t written;

        /* Asked before, for the signal that comes with the error ends a process. */
        if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size)
                return error_set(EFBIG,
                                 "%s takes %zu bytes, and the limit of file sizes (RLIMIT_FSIZE) "
                                 "is %llu bytes",
                                 what, size, (unsigned long long)limit.rlim_cur);
        fd = memfd_create("kyron-iod", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return error_set(errno, "no memfd for %s: %s", what, strerror(errno));
        written = pwrite(fd, bytes, size, 0);
        if (written < 0 || (size_t)written < size)
                return error_set(written < 0 ? errno : ENOMEM, "%s cannot be written: %s", what,
                                 strerror(written < 0 ? errno : ENOMEM));
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return error_set(errno, "%s cannot be sealed: %s", what, strerror(errno));
        return STEAL_FD(fd);
}
