/*
 * core/sealed_bytes: they can be read by all and changed by nobody, and a limit of file sizes is an
 * error that ends nothing.
 */
#include "core/error.h"
#include "core/sealed_bytes.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

START_TEST(they_are_read_and_not_changed)
{
        int fd = sealed_bytes_new("a note", "seven b", 7);
        char read_back[16];

        ck_assert_msg(fd >= 0, "%s", error_text());
        ck_assert_int_eq(pread(fd, read_back, sizeof(read_back), 0), 7);
        ck_assert_int_eq(memcmp(read_back, "seven b", 7), 0);
        ck_assert_int_lt(pwrite(fd, "x", 1, 0), 0);
        ck_assert_int_eq(errno, EPERM);
        ck_assert_int_lt(ftruncate(fd, 1), 0);
        ck_assert_int_lt(ftruncate(fd, 100), 0);
        close(fd);
}
END_TEST

START_TEST(writable_ones_are_written_and_stay_as_many)
{
        int fd = sealed_bytes_new_writable("a page", 4096);
        char byte = 'x';

        ck_assert_msg(fd >= 0, "%s", error_text());
        ck_assert_int_eq(pwrite(fd, &byte, 1, 4095), 1);
        ck_assert_int_lt(pwrite(fd, &byte, 1, 4096), 0);
        ck_assert_int_lt(ftruncate(fd, 4095), 0);
        ck_assert_int_lt(ftruncate(fd, 4097), 0);
        ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
        ck_assert_int_eq(byte, '\0');
        /* Nobody can seal more. */
        ck_assert_int_lt(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
        close(fd);
}
END_TEST

START_TEST(a_limit_of_file_sizes_is_an_error_and_no_signal)
{
        size_t before = count_descriptors();
        struct rlimit limit = {.rlim_cur = 6, .rlim_max = RLIM_INFINITY};
        struct rlimit unlimited;
        sigset_t pending;
        int r, writable, set;

        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
        limit.rlim_max = unlimited.rlim_max;
        /* Until it is lifted, the test framework must not write. */
        set = setrlimit(RLIMIT_FSIZE, &limit);
        r = sealed_bytes_new("a note", "seven b", 7);
        writable = sealed_bytes_new_writable("a note", 7);
        setrlimit(RLIMIT_FSIZE, &unlimited);
        ck_assert_int_eq(set, 0);
        ck_assert_int_eq(r, -EFBIG);
        ck_assert_int_eq(writable, -EFBIG);
        ck_assert_str_eq(error_text(), "a note takes 7 bytes, and the limit of file sizes "
                                       "(RLIMIT_FSIZE) is 6 bytes");
        ck_assert_int_eq(sigpending(&pending), 0);
        ck_assert_int_eq(sigismember(&pending, SIGXFSZ), 0);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

TEST_SUITE(test_sealed_bytes)
{
        TCase *tcase = tcase_create("sealed bytes");

        tcase_add_test(tcase, they_are_read_and_not_changed);
        tcase_add_test(tcase, writable_ones_are_written_and_stay_as_many);
        tcase_add_test(tcase, a_limit_of_file_sizes_is_an_error_and_no_signal);
        suite_add_tcase(suite, tcase);
}
