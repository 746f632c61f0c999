/*
 * daemon/absolute_path: a path means the same from another directory, and when its own is gone.
 */
#include "daemon/config/absolute_path.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As it is from DIRECTORY/inner; "@" is DIRECTORY. */
static const struct {
        const char *path;
        const char *expected;
} paths[] = {
        {"/etc/x.conf", "/etc/x.conf"},
        {"/etc/../x", "/etc/../x"},
        {"x.conf", "@/inner/x.conf"},
        {"./x.conf", "@/inner/x.conf"},
        {".//x.conf", "@/inner/x.conf"},
        {"../x.conf", "@/x.conf"},
        {"..///./x.conf", "@/x.conf"},
        {"./../x.conf", "@/x.conf"},
        {"link/../x.conf", "@/inner/link/../x.conf"},
        {"..x/y", "@/inner/..x/y"},
        {"...", "@/inner/..."},
        {"../../../../../../../../etc/x", "/etc/x"},
};

enum { PATHS = sizeof(paths) / sizeof(paths[0]) };

static char *directory;
static char inner[PATH_MAX];

static void set_up(void)
{
        directory = make_temp_dir();
        snprintf(inner, sizeof(inner), "%s/inner", directory);
        ck_assert_int_eq(mkdir(inner, 0700), 0);
        ck_assert_int_eq(chdir(inner), 0);
}

static void tear_down(void)
{
        ck_assert_int_eq(chdir("/"), 0);
        rmdir(inner);
        remove_temp_dir(directory);
}

START_TEST(it_is_the_same_from_any_directory)
{
        char real[PATH_MAX], expected[PATH_MAX], found[PATH_MAX];
        const char *wanted = paths[_i].expected;

        ck_assert_ptr_nonnull(realpath(directory, real));
        snprintf(expected, sizeof(expected), "%s%s", *wanted == '@' ? real : "",
                 *wanted == '@' ? wanted + 1 : wanted);
        ck_assert_int_eq(absolute_path(paths[_i].path, found, sizeof(found)), 0);
        ck_assert_str_eq(found, expected);
}
END_TEST

START_TEST(one_that_is_too_long_is_none)
{
        char found[8];

        ck_assert_int_eq(absolute_path("/1234567", found, sizeof(found)), -ENAMETOOLONG);
        ck_assert_int_eq(absolute_path("/123456", found, sizeof(found)), 0);
        ck_assert_str_eq(found, "/123456");
}
END_TEST

START_TEST(without_a_current_directory_there_are_absolute_ones_alone)
{
        char found[PATH_MAX];

        ck_assert_int_eq(rmdir(inner), 0);
        ck_assert_int_eq(absolute_path("x", found, sizeof(found)), -ENOENT);
        ck_assert_int_eq(absolute_path("/x", found, sizeof(found)), 0);
        ck_assert_str_eq(found, "/x");
}
END_TEST

TEST_SUITE(test_absolute_path)
{
        TCase *tcase = tcase_create("absolute path");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, it_is_the_same_from_any_directory, 0, PATHS);
        tcase_add_test(tcase, one_that_is_too_long_is_none);
        tcase_add_test(tcase, without_a_current_directory_there_are_absolute_ones_alone);
        suite_add_tcase(suite, tcase);
}
