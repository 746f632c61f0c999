/* A file in memory that nobody can change. See sealed_bytes.h. */
#include "core/sealed_bytes.h"

#include "core/cleanup.h"
#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* Without a byte. */
static int new_file(const char *what, size_t size)
{
        struct rlimit limit;
        int fd;

        /* Asked before, for the signal that comes with the error ends a process. */
        if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size)
                return error_set(EFBIG,
                                 "%s takes %zu bytes, and the limit of file sizes (RLIMIT_FSIZE) "
                                 "is %llu bytes",
                                 what, size, (unsigned long long)limit.rlim_cur);
        fd = memfd_create("kyron-iod", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        return fd < 0 ? error_set(errno, "no memfd for %s: %s", what, strerror(errno)) : fd;
}

/* With more seals than those that every one has. take_fd is closed if it cannot be. */
static int seal(const char *what, int take_fd, int seals)
{
        CLEANUP(cleanup_close) int fd = take_fd;

        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | seals) < 0)
                return error_set(errno, "%s cannot be sealed: %s", what, strerror(errno));
        return STEAL_FD(fd);
}

int sealed_bytes_new(const char *what, const void *bytes, size_t size)
{
        CLEANUP(cleanup_close) int fd = new_file(what, size);
        ssize_t written;

        if (fd < 0)
                return fd;
        written = pwrite(fd, bytes, size, 0);
        if (written < 0 || (size_t)written < size)
                return error_set(written < 0 ? errno : ENOMEM, "%s cannot be written: %s", what,
                                 strerror(written < 0 ? errno : ENOMEM));
        return seal(what, STEAL_FD(fd), F_SEAL_WRITE);
}

int sealed_bytes_new_writable(const char *what, size_t size)
{
        CLEANUP(cleanup_close) int fd = new_file(what, size);

        if (fd < 0)
                return fd;
        if (ftruncate(fd, (off_t)size) < 0)
                return error_set(errno, "%s gets no size: %s", what, strerror(errno));
        return seal(what, STEAL_FD(fd), 0);
}
