/* What goes to a standard stream. See capture.h. */
#include "tests/support/capture.h"

#include <check.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int captured = -1, original = -1, file = -1;

void capture_start(int fd)
{
        fflush(NULL);
        file = memfd_create("capture", MFD_CLOEXEC);
        original = dup(fd);
        ck_assert(file >= 0 && original >= 0 && captured < 0);
        ck_assert_int_eq(dup2(file, fd), fd);
        captured = fd;
}

const char *capture_end(char *buffer, size_t size)
{
        ssize_t n;

        fflush(NULL);
        dup2(original, captured);
        close(original);
        n = pread(file, buffer, size - 1, 0);
        close(file);
        captured = -1;
        ck_assert_int_ge(n, 0);
        buffer[n] = '\0';
        return buffer;
}
