/*
 * daemon/notify_queue: the manager is told everything in order, as soon as it reads, and nobody
 * waits for it; but for pings, which are left out and counted. The tests are the manager.
 */
#include "daemon/loop/loop.h"
#include "daemon/process/log.h"
#include "daemon/store/notify_queue.h"

#include "tests/support/capture.h"
#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"
#include "tests/support/notify_socket.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static Loop loop;
static BlockingPool *blocking;
static NotifyQueue queue;
static int manager;
static char *directory;
static FdMessage message;

static void listen_at_path(void)
{
        manager = notify_socket_listen(directory);
}

static void listen_at_abstract_name(void)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        socklen_t size = sizeof(address);
        char name[sizeof(address.sun_path) + 1];

        manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
        ck_assert_int_eq(getsockname(manager, (struct sockaddr *)&address, &size), 0);
        /* The kernel's abstract name: a zero and five digits; systemd writes the zero as @. */
        snprintf(name, sizeof(name), "@%.*s", (int)(size - sizeof(sa_family_t) - 1),
                 address.sun_path + 1);
        setenv("NOTIFY_SOCKET", name, 1);
}

static void set_up(void)
{
        directory = make_temp_dir();
        listen_at_path();
        ck_assert_int_eq(loop_open(&loop), 0);
        ck_assert_int_eq(blocking_pool_open(&blocking, loop.wake_fd), 0);
        ck_assert_int_eq(notify_queue_open(&queue, &loop, blocking), 0);
        message.count = 0;
}

static void tear_down(void)
{
        fd_message_close(&message);
        notify_queue_close(&queue);
        ck_assert(WAIT_UNTIL((blocking = blocking_pool_close(blocking)) == NULL, DEADLINE_MS));
        loop_close(&loop);
        close(manager);
        remove_temp_dir(directory);
}

/* false: there is none. */
static bool receive(char text[static 512])
{
        fd_message_close(&message);
        if (fd_message_receive(manager, text, 511, 8, &message) < 0)
                return false;
        text[message.length] = '\0';
        return true;
}

static void expect_message(const char *expected)
{
        char text[512];

        ck_assert(receive(text));
        ck_assert_str_eq(text, expected);
}

static void turn(void)
{
        eventfd_t value;

        event_base_loop(loop.base, EVLOOP_NONBLOCK);
        if (wait_readable(loop.wake_fd, 0) && eventfd_read(loop.wake_fd, &value) == 0)
                blocking_pool_collect(blocking);
}

/* Until something waits; how many the manager has not read. */
static unsigned fill_queue(void)
{
        char text[32];
        unsigned n = 0;

        while (queue.count == 0) {
                snprintf(text, sizeof(text), "STATUS=%u", n++);
                notify_queue_say(&queue, text);
        }
        return n - 1;
}

START_TEST(what_is_said_comes_at_once)
{
        if (_i == 1) {
                notify_queue_close(&queue);
                close(manager);
                listen_at_abstract_name();
                ck_assert_int_eq(notify_queue_open(&queue, &loop, blocking), 0);
        }
        notify_queue_say(&queue, "READY=1\nSTATUS=serving");
        expect_message("READY=1\nSTATUS=serving");
        notify_queue_ping(&queue);
        expect_message("WATCHDOG=1");
        notify_queue_say(&queue, "STOPPING=1");
        expect_message("STOPPING=1");
        ck_assert(notify_queue_settle(&queue));
}
END_TEST

START_TEST(a_manager_that_does_not_read_is_told_in_order_when_it_does)
{
        unsigned sent = fill_queue();
        char text[512], expected[32];

        notify_queue_say(&queue, "STOPPING=1");
        turn();
        ck_assert(!notify_queue_flush(&queue));
        for (unsigned i = 0; i <= sent; i++) {
                snprintf(expected, sizeof(expected), "STATUS=%u", i);
                expect_message(expected);
                turn();
        }
        expect_message("STOPPING=1");
        ck_assert(!receive(text));
        ck_assert_uint_eq(queue.count, 0);
}
END_TEST

static void *read_late(void *data)
{
        const struct timespec late = {.tv_nsec = 700000000};
        char text[512] = "";

        (void)data;
        nanosleep(&late, NULL);
        while (strcmp(text, "STOPPING=1") != 0) {
                ssize_t n = wait_readable(manager, DEADLINE_MS)
                                    ? recv(manager, text, sizeof(text) - 1, 0)
                                    : 0;

                if (n <= 0)
                        break;
                text[n] = '\0';
        }
        return NULL;
}

START_TEST(settling_waits_for_a_manager_that_is_late)
{
        pthread_t thread;

        fill_queue();
        notify_queue_say(&queue, "STOPPING=1");
        ck_assert_int_eq(pthread_create(&thread, NULL, read_late, NULL), 0);
        ck_assert(notify_queue_settle(&queue));
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

START_TEST(settling_does_not_wait_for_ever)
{
        fill_queue();
        ck_assert(!notify_queue_settle(&queue));
}
END_TEST

START_TEST(pings_are_left_out_and_counted)
{
        static char output[4096];
        char text[512];

        fill_queue();
        capture_start(STDERR_FILENO);
        for (int i = 0; i < 5; i++)
                notify_queue_ping(&queue);
        ck_assert_uint_eq(queue.count, 1);
        do
                turn();
        while (receive(text));
        notify_queue_ping(&queue);
        capture_end(output, sizeof(output));
        expect_message("WATCHDOG=1");
        ck_assert_str_eq(output, "kyron-iod: warning: systemd does not read: the watchdog's pings "
                                 "are left out\n"
                                 "kyron-iod: notice: systemd reads again: 5 pings were left out\n");
}
END_TEST

START_TEST(the_manager_may_make_its_socket_anew)
{
        char text[512];
        bool came = false;
        int unwritable = queue.fd;

        notify_queue_say(&queue, "STATUS=old");
        close(manager);
        listen_at_path();
        if (_i == 0)
                notify_queue_say(&queue, "STATUS=new");
        else
                notify_queue_ping(&queue);
        /* Not here: the path may be one that waits. */
        ck_assert(!receive(text));
        ck_assert(WAIT_UNTIL((turn(), !queue.connecting), DEADLINE_MS));
        ck_assert_int_eq(queue.fd, unwritable);
        if (_i == 1)
                notify_queue_ping(&queue);
        came = receive(text);
        ck_assert(came);
        ck_assert_str_eq(text, _i == 0 ? "STATUS=new" : "WATCHDOG=1");
        ck_assert_uint_eq(queue.count, 0);
}
END_TEST

START_TEST(it_is_asked_for_again_until_it_is_there)
{
        char path[sizeof(((struct sockaddr_un *)0)->sun_path)];

        snprintf(path, sizeof(path), "%s/notify", directory);
        close(manager);
        unlink(path);
        notify_queue_say(&queue, "STATUS=new");
        ck_assert(WAIT_UNTIL((turn(), !queue.connecting), DEADLINE_MS));
        ck_assert_uint_eq(queue.count, 1);
        listen_at_path();
        ck_assert(WAIT_UNTIL((turn(), queue.count == 0), DEADLINE_MS));
        expect_message("STATUS=new");
}
END_TEST

START_TEST(closed_while_it_connects_nothing_is_left)
{
        close(manager);
        listen_at_path();
        notify_queue_say(&queue, "STATUS=new");
        ck_assert_ptr_nonnull(queue.connecting);
        notify_queue_close(&queue);
        /* The pool gives the task back when it closes, and valgrind and others see what is lost. */
}
END_TEST

START_TEST(what_cannot_be_sent_at_all_holds_up_nothing)
{
        static char output[4096];
        const int bad = 1000000;

        capture_start(STDERR_FILENO);
        ck_assert_int_eq(notify_queue_put(&queue, "a", "FDSTORE=1", &bad, 1, -1), 0);
        capture_end(output, sizeof(output));
        ck_assert_ptr_nonnull(strstr(output, "systemd cannot be told \"FDSTORE=1\": Bad file"));
        notify_queue_say(&queue, "STATUS=next");
        expect_message("STATUS=next");
}
END_TEST

START_TEST(without_a_manager_every_call_does_nothing)
{
        static const char *const nowhere[] = {"/nonexistent/notify", "vsock:2:1", "", "@none"};

        notify_queue_close(&queue);
        if (_i < 4)
                setenv("NOTIFY_SOCKET", nowhere[_i], 1);
        else
                unsetenv("NOTIFY_SOCKET");
        ck_assert_int_eq(notify_queue_open(&queue, &loop, blocking), 0);
        ck_assert(!notify_queue_is_there(&queue));
        notify_queue_say(&queue, "READY=1");
        notify_queue_ping(&queue);
        ck_assert(notify_queue_settle(&queue));
}
END_TEST

START_TEST(there_is_a_manager)
{
        SKIP_TEST("built without systemd");
}
END_TEST

TEST_SUITE(test_notify_queue)
{
        TCase *messages = tcase_create("messages");

        if (!HAVE_SYSTEMD) {
                tcase_add_test(messages, there_is_a_manager);
                suite_add_tcase(suite, messages);
                return;
        }
        tcase_add_checked_fixture(messages, set_up, tear_down);
        tcase_add_loop_test(messages, what_is_said_comes_at_once, 0, 2);
        tcase_add_test(messages, a_manager_that_does_not_read_is_told_in_order_when_it_does);
        tcase_add_test(messages, settling_waits_for_a_manager_that_is_late);
        tcase_add_test(messages, settling_does_not_wait_for_ever);
        tcase_add_test(messages, pings_are_left_out_and_counted);
        tcase_add_loop_test(messages, the_manager_may_make_its_socket_anew, 0, 2);
        tcase_add_test(messages, it_is_asked_for_again_until_it_is_there);
        tcase_add_test(messages, closed_while_it_connects_nothing_is_left);
        tcase_add_test(messages, what_cannot_be_sent_at_all_holds_up_nothing);
        tcase_add_loop_test(messages, without_a_manager_every_call_does_nothing, 0, 5);
        tcase_set_timeout(messages, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, messages);
}
