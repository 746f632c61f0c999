/*
 * daemon/set_watch: a session's set is added to the loop's once, however often it is laid down and
 * taken up, and is out of it while the kernel lists its entries.
 */
#include "daemon/driver/set_watch.h"
#include "daemon/loop/loop.h"
#include "tests/support/epoll_set.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static Loop loop;
static SetWatch watch;
static int set_fd, ends[2];
static int calls;
static struct {
        int added, changed, removed;
} controls;

/* Which of the changes of the set from now on the kernel refuses, 0 for none. */
static int failing;

/* libevent's, in this program: counts what is done to the set. */
__attribute__((visibility("default"))) int epoll_ctl(int epoll_fd, int operation, int fd,
                                                     struct epoll_event *event)
{
        if (fd == set_fd && epoll_fd != set_fd) {
                if (failing > 0 && --failing == 0) {
                        errno = ENOSPC;
                        return -1;
                }
                controls.added += operation == EPOLL_CTL_ADD;
                controls.changed += operation == EPOLL_CTL_MOD;
                controls.removed += operation == EPOLL_CTL_DEL;
        }
        return (int)syscall(SYS_epoll_ctl, epoll_fd, operation, fd, event);
}

static void on_ready(evutil_socket_t fd, short what, void *data)
{
        ck_assert_int_eq(fd, set_fd);
        ck_assert_int_eq(what, EV_READ);
        ck_assert_ptr_eq(data, &watch);
        calls++;
}

static int turn(void)
{
        calls = 0;
        event_base_loop(loop.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        return calls;
}

static void set_up(void)
{
        ck_assert_int_eq(loop_open(&loop), 0);
        ck_assert_str_eq(event_base_get_method(loop.base), "epoll");
        set_fd = epoll_set_open();
        pipe_pair(ends);
        set_watch_init(&watch, &loop, on_ready, &watch);
        ck_assert_int_eq(set_watch_open(&watch, set_fd), 0);
        ck_assert_int_eq(epoll_set_add(set_fd, ends[0], EPOLLIN, 1), 0);
        turn();
}

static void tear_down(void)
{
        set_watch_close(&watch);
        loop_close(&loop);
        close(set_fd);
        close(ends[0]);
        close(ends[1]);
}

START_TEST(a_set_is_told_of_while_it_is_waited_for)
{
        ck_assert_int_eq(turn(), 0);
        put_byte(ends[1]);
        ck_assert_int_eq(turn(), 1);
        ck_assert_int_eq(set_watch_arm(&watch, false), 0);
        ck_assert_int_eq(turn(), 0);
        ck_assert_int_eq(set_watch_arm(&watch, true), 0);
        ck_assert_int_eq(turn(), 1);
}
END_TEST

START_TEST(it_is_added_once_however_often_it_is_laid_down)
{
        for (int i = 0; i < 10; i++) {
                set_watch_arm(&watch, false);
                turn();
                set_watch_arm(&watch, true);
                turn();
        }
        ck_assert_int_eq(controls.added, 1);
        ck_assert_int_ge(controls.changed, 20);
        ck_assert_int_eq(controls.removed, 0);
}
END_TEST

START_TEST(it_can_be_taken_out_at_once_and_comes_back)
{
        put_byte(ends[1]);
        set_watch_leave(&watch);
        ck_assert_int_eq(turn(), 0);
        set_watch_arm(&watch, false);
        set_watch_arm(&watch, true);
        ck_assert_int_eq(turn(), 1);
        ck_assert_int_eq(controls.removed, 1);
        ck_assert_int_eq(controls.added, 2);
}
END_TEST

START_TEST(what_was_never_opened_is_left_alone)
{
        SetWatch none = {.ready = NULL};

        ck_assert_int_eq(set_watch_arm(&none, true), 0);
        ck_assert_int_eq(set_watch_arm(&none, false), 0);
        set_watch_leave(&none);
        set_watch_close(&none);
}
END_TEST

START_TEST(one_that_cannot_be_opened_is_left_alone_and_can_be_opened_again)
{
        int attempts = 0;

        set_watch_close(&watch);
        turn();
        for (failing = 1; set_watch_open(&watch, set_fd) < 0;) {
                ck_assert_int_eq(failing, 0);
                ck_assert_int_eq(set_watch_arm(&watch, true), 0);
                set_watch_leave(&watch);
                ck_assert_int_le(++attempts, 4);
                failing = attempts + 1;
        }
        ck_assert_int_ge(attempts, 2);
        put_byte(ends[1]);
        ck_assert_int_eq(turn(), 1);
}
END_TEST

TEST_SUITE(test_set_watch)
{
        TCase *waits = tcase_create("waits");

        tcase_add_checked_fixture(waits, set_up, tear_down);
        tcase_set_timeout(waits, TEST_TIMEOUT_SECONDS);
        tcase_add_test(waits, a_set_is_told_of_while_it_is_waited_for);
        tcase_add_test(waits, it_is_added_once_however_often_it_is_laid_down);
        tcase_add_test(waits, it_can_be_taken_out_at_once_and_comes_back);
        tcase_add_test(waits, what_was_never_opened_is_left_alone);
        tcase_add_test(waits, one_that_cannot_be_opened_is_left_alone_and_can_be_opened_again);
        suite_add_tcase(suite, waits);
}
