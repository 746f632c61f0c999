/*
 * core/standard_descriptors: nothing of a program's own comes to be where its output goes.
 */
#include "core/standard_descriptors.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SETS = 8 }; /* of 0, 1 and 2 */

/* What is said is not written: the test framework's own output is closed, too. */
static int occupy(int closed)
{
        char byte;

        for (int fd = 0; fd < 3; fd++) {
                if (closed & 1 << fd)
                        close(fd);
        }
        if (!standard_descriptors_occupy())
                return 1;
        for (int fd = 0; fd < 3; fd++) {
                if (fcntl(fd, F_GETFD) < 0)
                        return 2;
                if (!(closed & 1 << fd))
                        continue;
                if (write(fd, "x", 1) >= 0 || errno != EBADF || read(fd, &byte, 1) >= 0 ||
                    errno != EBADF)
                        return 3;
        }
        return eventfd(0, EFD_CLOEXEC) > 2 ? 0 : 4;
}

START_TEST(those_that_are_closed_are_occupied_and_no_use)
{
        int status;
        pid_t child = fork();

        if (child == 0)
                _exit(occupy(_i));
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
}
END_TEST

static int avoid(void)
{
        int fd;

        for (int i = 0; i < 3; i++)
                close(i);
        fd = standard_descriptors_avoid(eventfd(7, 0));
        if (fd < 3 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
                return 1;
        for (int i = 0; i < 3; i++) {
                if (fcntl(i, F_GETFD) >= 0)
                        return 2;
        }
        return standard_descriptors_avoid(fd) == fd && standard_descriptors_avoid(-5) == -5 ? 0 : 3;
}

START_TEST(what_is_a_librarys_own_is_above_them)
{
        int status;
        pid_t child = fork();

        if (child == 0)
                _exit(avoid());
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
}
END_TEST

TEST_SUITE(test_standard_descriptors)
{
        TCase *tcase = tcase_create("standard descriptors");

        tcase_add_loop_test(tcase, those_that_are_closed_are_occupied_and_no_use, 0, SETS);
        tcase_add_test(tcase, what_is_a_librarys_own_is_above_them);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
