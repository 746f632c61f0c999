/* Making notes. See memfd_note.h. */
#include "tests/support/memfd_note.h"

#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int memfd_note(off_t size, int seals)
{
        char bytes[65537];
        size_t written = size < (off_t)sizeof(bytes) ? (size_t)size : sizeof(bytes);
        int fd = memfd_create("note", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        ck_assert_int_ge(fd, 0);
        memset(bytes, 'n', sizeof(bytes));
        ck_assert_int_eq(write(fd, bytes, written), (ssize_t)written);
        ck_assert_int_eq(ftruncate(fd, size), 0);
        ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
        return fd;
}
