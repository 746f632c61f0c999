/*
 * core/fd_list: every descriptor of a packet is closed once, unless somebody stole it.
 */
#include "core/fd_list.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int open_one(void)
{
        int fd = eventfd(0, EFD_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        return fd;
}

static bool is_open(int fd)
{
        return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(a_borrowed_descriptor_stays_the_lists)
{
        FdList list = {.count = 0};
        int fd = open_one();

        fd_list_add(&list, fd);
        ck_assert_int_eq(fd_list_borrow(&list, 0), fd);
        ck_assert_int_eq(fd_list_borrow(&list, 0), fd);
        fd_list_close(&list);
        ck_assert(!is_open(fd));
}
END_TEST

START_TEST(a_stolen_descriptor_is_not_closed_and_not_given_twice)
{
        FdList list = {.count = 0};
        int fds[3] = {open_one(), open_one(), open_one()};

        for (int i = 0; i < 3; i++)
                fd_list_add(&list, fds[i]);
        ck_assert_int_eq(fd_list_steal(&list, 1), fds[1]);
        ck_assert_int_eq(fd_list_steal(&list, 1), -1);
        ck_assert_int_eq(fd_list_borrow(&list, 1), -1);
        fd_list_close(&list);
        ck_assert(!is_open(fds[0]));
        ck_assert(is_open(fds[1]));
        ck_assert(!is_open(fds[2]));
}
END_TEST

START_TEST(past_the_end_there_is_nothing)
{
        FdList list = {.count = 0};
        int fd = open_one();

        /* What is beyond count has no meaning, whatever lies there. */
        list.fds[0] = list.fds[1] = fd;
        ck_assert_int_eq(fd_list_borrow(&list, 0), -1);
        ck_assert_int_eq(fd_list_steal(&list, 0), -1);
        fd_list_add(&list, fd);
        ck_assert_int_eq(fd_list_borrow(&list, 1), -1);
        ck_assert_int_eq(fd_list_steal(&list, FD_LIST_MAX), -1);
        ck_assert(is_open(fd));
}
END_TEST

START_TEST(closing_empties_the_list_and_closes_nothing_twice)
{
        FdList list = {.count = 0};
        int fd = open_one();
        int other;

        fd_list_add(&list, fd);
        fd_list_close(&list);
        ck_assert_uint_eq(list.count, 0);
        /* The number comes back for another file, which has to stay open. */
        other = open_one();
        ck_assert_int_eq(other, fd);
        fd_list_close(&list);
        ck_assert(is_open(other));
}
END_TEST

START_TEST(a_full_packet_fits)
{
        FdList list = {.count = 0};
        size_t before = count_descriptors();

        for (int i = 0; i < FD_LIST_MAX; i++)
                fd_list_add(&list, open_one());
        ck_assert_uint_eq(count_descriptors(), before + 253);
        fd_list_close(&list);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

TEST_SUITE(test_fd_list)
{
        TCase *ownership = tcase_create("ownership");

        tcase_add_test(ownership, a_borrowed_descriptor_stays_the_lists);
        tcase_add_test(ownership, a_stolen_descriptor_is_not_closed_and_not_given_twice);
        tcase_add_test(ownership, past_the_end_there_is_nothing);
        tcase_add_test(ownership, closing_empties_the_list_and_closes_nothing_twice);
        tcase_add_test(ownership, a_full_packet_fits);
        tcase_set_timeout(ownership, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, ownership);
}
