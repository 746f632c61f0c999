/* What a thread polls, as a set. */
#include "tests/support/fixture.h"
#include "waits/poll_set.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

static const ThreadState polling = {
        .tid = 17, .state = 'S', .call_known = true, .call = SYS_ppoll, .argument = 4096};

START_TEST(who_sleeps_in_poll_or_select_has_one)
{
        ThreadState thread = polling;
        WaitSet set;

        ck_assert(poll_set_find(&thread, &set));
        ck_assert_int_eq(set.kind, WAIT_SET_POLL);
        ck_assert_int_eq(set.tid, 17);
        ck_assert_int_lt(set.number, -1);
        thread.call = SYS_pselect6;
        ck_assert(poll_set_find(&thread, &set));
        ck_assert_int_eq(set.kind, WAIT_SET_SELECT);
        thread.call = SYS_read;
        ck_assert(!poll_set_find(&thread, &set));
        /* It is not to be seen which call, or it is over. */
        thread = polling;
        thread.call_known = false;
        ck_assert(!poll_set_find(&thread, &set));
        thread = polling;
        thread.state = 'R';
        ck_assert(!poll_set_find(&thread, &set));
}
END_TEST

START_TEST(its_entries_have_the_inodes_of_their_numbers)
{
        const WaitEntry entries[] = {{.number = 9, .events = EPOLLIN},
                                     {.number = 4, .events = EPOLLOUT},
                                     {.number = 9, .events = EPOLLOUT},
                                     {.number = 5, .events = EPOLLIN}};
        Descriptor descriptors[] = {{.number = 5, .kind = DESCRIPTOR_OTHER},
                                    {.number = 9, .kind = DESCRIPTOR_SOCKET, .inode = 3},
                                    {.number = 8, .kind = DESCRIPTOR_SOCKET, .inode = 6},
                                    {.number = 4, .kind = DESCRIPTOR_PIPE, .inode = 7}};
        const DescriptorTable table = {.count = 4, .entries = descriptors};
        WaitSet set = {.kind = WAIT_SET_POLL};

        wait_set_take(&set, 4, 0, entries, sizeof(entries));
        poll_set_resolve(&set, &table);
        ck_assert_uint_eq(set.count, 4);
        ck_assert_int_eq(set.entries[0].number, 5);
        ck_assert_uint_eq(set.entries[0].inode, 0);
        ck_assert_ptr_eq(wait_set_find(&set, 3), &set.entries[1]);
        ck_assert_int_eq(set.entries[2].number, 9);
        ck_assert_uint_eq(set.entries[2].inode, 3);
        ck_assert_int_eq(wait_set_find(&set, 7)->number, 4);
        ck_assert_ptr_null(wait_set_find(&set, 6));
        wait_set_free(&set);
        /* It waits for nothing but a time. */
        poll_set_resolve(&set, &table);
}
END_TEST

TEST_SUITE(test_poll_set)
{
        TCase *tc = tcase_create("poll_set");

        tcase_add_test(tc, who_sleeps_in_poll_or_select_has_one);
        tcase_add_test(tc, its_entries_have_the_inodes_of_their_numbers);
        suite_add_tcase(suite, tc);
}
