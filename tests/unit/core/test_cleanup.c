/*
 * core/cleanup: what a local owns is released with its scope, and what was stolen is not.
 */
#include "core/cleanup.h"
#include "tests/support/fixture.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>

static bool is_open(int fd)
{
        return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(a_descriptor_is_closed_with_its_scope)
{
        int number;

        {
                CLEANUP(cleanup_close) int fd = eventfd(0, EFD_CLOEXEC);

                number = fd;
                ck_assert(is_open(number));
        }
        ck_assert(!is_open(number));
}
END_TEST

START_TEST(a_descriptor_that_was_never_opened_is_left_alone)
{
        size_t before = count_descriptors();

        {
                CLEANUP(cleanup_close) int fd = -1;

                ck_assert_int_eq(fd, -1);
        }
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

static int make_and_steal(void)
{
        CLEANUP(cleanup_close) int fd = eventfd(0, EFD_CLOEXEC);

        return STEAL_FD(fd);
}

START_TEST(a_stolen_descriptor_outlives_its_scope)
{
        int fd = make_and_steal();

        ck_assert_int_ge(fd, 0);
        ck_assert(is_open(fd));
}
END_TEST

START_TEST(stealing_leaves_nothing)
{
        int fd = 7;
        char text[] = "text";
        char *pointer = text;

        ck_assert_int_eq(STEAL_FD(fd), 7);
        ck_assert_int_eq(fd, -1);
        ck_assert_ptr_eq(STEAL_PTR(pointer), text);
        ck_assert_ptr_null(pointer);
}
END_TEST

static char *copy_and_steal(const char *text)
{
        CLEANUP(cleanup_free) char *copy = strdup(text);

        return STEAL_PTR(copy);
}

START_TEST(stolen_memory_outlives_its_scope)
{
        char *copy = copy_and_steal("kept");

        ck_assert_str_eq(copy, "kept");
        free(copy);
}
END_TEST

START_TEST(a_file_is_closed_with_its_scope)
{
        size_t before = count_descriptors();

        for (int round = 0; round < 2; round++) {
                CLEANUP(cleanup_fclose)
                FILE *file = round == 0 ? NULL : fopen("/proc/self/stat", "re");

                ck_assert_uint_eq(count_descriptors(), before + (size_t)round);
                (void)file;
        }
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

TEST_SUITE(test_cleanup)
{
        TCase *scopes = tcase_create("scopes");

        tcase_add_test(scopes, a_descriptor_is_closed_with_its_scope);
        tcase_add_test(scopes, a_descriptor_that_was_never_opened_is_left_alone);
        tcase_add_test(scopes, a_stolen_descriptor_outlives_its_scope);
        tcase_add_test(scopes, stealing_leaves_nothing);
        tcase_add_test(scopes, stolen_memory_outlives_its_scope);
        tcase_add_test(scopes, a_file_is_closed_with_its_scope);
        tcase_set_timeout(scopes, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, scopes);
}
