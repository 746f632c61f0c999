/*
 * What the daemon does when the kernel is short of something, or a call of its own fails: it rests
 * and goes on, and nobody is lost. The calls fail here, as often as a test says.
 */
#include "client/kyron.h"
#include "daemon/process/log.h"
#include "daemon/server/server.h"
#include "daemon/session/session_source.h"
#include "tests/support/capture.h"
#include "tests/support/sharing_scene.h"

#include <dlfcn.h>
#include <errno.h>
#include <event2/event.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Fails the next count calls after so many that do not. */
typedef struct Failing {
        int after;
        int count;
        int error;
} Failing;

static Failing failing_wait, failing_accept, failing_dup, failing_peek, failing_send, failing_timer,
        failing_group, failing_set;

static bool fails(Failing *failing)
{
        if (failing->count == 0 || failing->after-- > 0)
                return false;
        failing->after = 0;
        failing->count--;
        errno = failing->error;
        return true;
}

KYRON_PUBLIC int epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout)
{
        return fails(&failing_wait)
                       ? -1
                       : (int)syscall(SYS_epoll_pwait, epoll_fd, events, max, timeout, NULL, 8);
}

KYRON_PUBLIC int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
        return fails(&failing_accept) ? -1 : (int)syscall(SYS_accept4, fd, address, size, flags);
}

KYRON_PUBLIC int dup3(int from, int to, int flags)
{
        return fails(&failing_dup) ? -1 : (int)syscall(SYS_dup3, from, to, flags);
}

KYRON_PUBLIC ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
        if (flags & MSG_PEEK && fails(&failing_peek))
                return -1;
        return syscall(SYS_recvfrom, fd, buffer, size, flags, NULL, NULL);
}

KYRON_PUBLIC ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
        return message->msg_controllen > 0 && fails(&failing_send)
                       ? -1
                       : syscall(SYS_sendmsg, fd, message, flags);
}

/* As libevent's without memory: what is pending already can be armed again. */
KYRON_PUBLIC int event_add(struct event *event, const struct timeval *time)
{
        static int (*real)(struct event *, const struct timeval *);

        if (!real)
                real = (__typeof__(real))dlsym(RTLD_NEXT, "event_add");
        if (time && !event_pending(event, EV_TIMEOUT, NULL) && fails(&failing_timer))
                return -1;
        if (event_get_events(event) & EV_WRITE && fails(&failing_set))
                return -1;
        return real(event, time);
}

KYRON_PUBLIC int getgrnam_r(const char *name, struct group *group, char *buffer, size_t size,
                            struct group **found)
{
        (void)name;
        (void)buffer;
        (void)size;
        *found = NULL;
        if (fails(&failing_group))
                return errno;
        *group = (struct group){.gr_gid = 4711};
        *found = group;
        return 0;
}

static char logged[4096];

static void set_up(void)
{
        signal(SIGPIPE, SIG_IGN);
        sharing_scene_set_up();
        log_open(LOG_CRIT); /* what fails fails on purpose */
}

static void tear_down(void)
{
        failing_wait = failing_accept = failing_dup = failing_peek = failing_send = failing_timer =
                (Failing){.count = 0};
        sharing_scene_tear_down();
}

static void start_capture(void)
{
        log_open(LOG_WARNING);
        capture_start(STDERR_FILENO);
}

static void expect_logged(const char *text)
{
        capture_end(logged, sizeof(logged));
        log_open(LOG_CRIT);
        ck_assert_msg(strstr(logged, text) != NULL, "logged: %s", logged);
}

/* ---- The loop ---- */

START_TEST(a_wait_of_the_loop_that_fails_is_said_and_done_again)
{
        scene_open(0);
        failing_wait = (Failing){.count = 3, .error = ENOMEM};
        raise(SIGTERM);
        start_capture();
        ck_assert_int_eq(server_run(inner.server), 0);
        expect_logged("the event loop failed and goes on: Cannot allocate memory");
        ck_assert_int_eq(failing_wait.count, 0);
}
END_TEST

START_TEST(a_loop_that_cannot_wait_any_more_ends_the_daemon)
{
        failing_wait = (Failing){.count = INT_MAX, .error = EINVAL};
        ck_assert_int_eq(server_run(inner.server), -EIO);
        ck_assert_str_eq(error_text(), "the event loop failed: Invalid argument");
        failing_wait.count = 0;
}
END_TEST

/* ---- Accepting ---- */

/* Two calls fail, with a rest between them, which may be longer but hardly shorter than it says:
 * the loop's clock may be a little behind. */
static void expect_rest(const char *what, int error, uint64_t began_ms)
{
        char sentence[128];

        ck_assert(WAIT_UNTIL((inner_server_settle(), failing_accept.count == 0), DEADLINE_MS));
        ck_assert_uint_ge(clock_now_ms() - began_ms, 50);
        snprintf(sentence, sizeof(sentence), "%s: %s", what, strerror(error));
        expect_logged(sentence);
}

static const int wants[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};

START_TEST(in_want_of_anything_accepting_rests_and_nobody_is_lost)
{
        RawClient *client = &sharing.clients[0];
        const uint64_t began_ms = clock_now_ms();

        failing_accept = (Failing){.count = 2, .error = wants[_i]};
        raw_client_connect(client, inner.options.socket_path);
        start_capture();
        expect_rest("accepting pauses for 100 ms", wants[_i], began_ms);
        ck_assert(WAIT_UNTIL((inner_server_settle(), inner.daemon->sessions.count == 1),
                             DEADLINE_MS));
        raw_client_close(client);
}
END_TEST

START_TEST(in_want_of_anything_a_listener_rests_and_no_connection_is_lost)
{
        Iod__Connections *connections;
        uint64_t began_ms;
        size_t n = 0;
        int peer;

        scene_join(0, 8, NULL);
        failing_accept = (Failing){.count = 2, .error = wants[_i]};
        began_ms = clock_now_ms();
        peer = scene_dial();
        start_capture();
        expect_rest(" rests for 100 ms", wants[_i], began_ms);
        ck_assert(WAIT_UNTIL((n = scene_connections(0, &connections)) > 0, DEADLINE_MS));
        ck_assert_uint_eq(n, 1);
        scene_taken(0, connections);
        scene_gone(0, connections);
        inner_server_settle();
        close(peer);
}
END_TEST

static const int passing_errors[] = {ECONNABORTED, EPROTO, EPERM, EINTR};

START_TEST(a_connection_that_has_gone_is_passed_over)
{
        RawClient *client = &sharing.clients[0];

        failing_accept = (Failing){.count = 1, .error = passing_errors[_i]};
        raw_client_connect(client, inner.options.socket_path);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        ck_assert(event_pending(&inner.daemon->sessions.acceptable->event, EV_READ, NULL));
        raw_client_close(client);
}
END_TEST

START_TEST(a_connection_whose_bytes_the_kernel_cannot_look_at_waits_for_them)
{
        Iod__ListenerOptions options = IOD__LISTENER_OPTIONS__INIT;
        Iod__Connections *connections;
        int peer;

        options.when_readable = true;
        scene_join(0, 8, &options);
        failing_peek = (Failing){.count = 2, .error = ENOMEM};
        peer = scene_dial();
        ck_assert_int_eq(send(peer, "x", 1, MSG_NOSIGNAL), 1);
        ck_assert(WAIT_UNTIL((inner_server_settle(), failing_peek.count == 0), DEADLINE_MS));
        ck_assert(WAIT_UNTIL(scene_connections(0, &connections) == 1, DEADLINE_MS));
        scene_taken(0, connections);
        scene_gone(0, connections);
        inner_server_settle();
        close(peer);
}
END_TEST

/* ---- Timers ---- */

START_TEST(without_memory_for_the_timer_of_a_rest_accepting_goes_on_all_the_same)
{
        RawClient *client = &sharing.clients[0];

        failing_accept = (Failing){.count = 3, .error = EMFILE};
        failing_timer = failing_group = (Failing){.count = 3, .error = ENOMEM};
        raw_client_connect(client, inner.options.socket_path);
        ck_assert(WAIT_UNTIL((inner_server_settle(), inner.daemon->sessions.count == 1),
                             DEADLINE_MS));
        ck_assert_int_eq(failing_accept.count, 0);
        raw_client_close(client);
}
END_TEST

START_TEST(without_memory_for_the_timer_of_a_rest_a_listener_goes_on_all_the_same)
{
        Iod__Connections *connections;
        int peer;

        scene_join(0, 8, NULL);
        failing_accept = (Failing){.count = 3, .error = EMFILE};
        failing_timer = (Failing){.count = 3, .error = ENOMEM};
        peer = scene_dial();
        ck_assert(WAIT_UNTIL(scene_connections(0, &connections) == 1, DEADLINE_MS));
        ck_assert_int_eq(failing_accept.count, 0);
        scene_taken(0, connections);
        scene_gone(0, connections);
        inner_server_settle();
        close(peer);
}
END_TEST

START_TEST(without_memory_for_its_timer_a_connection_that_could_not_be_sent_is_sent)
{
        Iod__Connections *connections;
        int peer;

        scene_join(0, 8, NULL);
        failing_send = (Failing){.count = 2, .error = ENOBUFS};
        failing_timer = (Failing){.count = 2, .error = ENOMEM};
        peer = scene_dial();
        ck_assert(WAIT_UNTIL(scene_connections(0, &connections) == 1, DEADLINE_MS));
        ck_assert_int_eq(failing_send.count, 0);
        scene_taken(0, connections);
        scene_gone(0, connections);
        inner_server_settle();
        close(peer);
}
END_TEST

START_TEST(without_memory_for_its_timer_an_unused_listener_is_closed_all_the_same)
{
        Iod__ListenerOptions options = IOD__LISTENER_OPTIONS__INIT;

        options.keep_seconds = 1;
        scene_join(0, 8, &options);
        failing_timer = (Failing){.count = 2, .error = ENOMEM};
        scene_close(0);
        ck_assert_int_lt(failing_timer.count, 2);
        ck_assert(WAIT_UNTIL((inner_server_settle(), inner.daemon->listeners.count == 0),
                             DEADLINE_MS));
}
END_TEST

/* ---- The group of those who see everything ---- */

static void find_admin_group(void)
{
        admin_group_find(&inner.daemon->admin_group, &inner.options, inner.daemon->config);
}

START_TEST(without_descriptors_to_look_for_it_the_admin_group_stays_what_it_is)
{
        inner.options.user = false;
        find_admin_group();
        ck_assert(inner.daemon->admin_group.is_known);
        failing_group = (Failing){.count = 1, .error = EMFILE};
        start_capture();
        find_admin_group();
        expect_logged("cannot look up the group");
        ck_assert(inner.daemon->admin_group.is_known);
        ck_assert_uint_eq(inner.daemon->admin_group.gid, 4711);
        /* But another one has to be known, and one that is gone is gone. */
        failing_group = (Failing){.count = 1, .error = EMFILE};
        strcpy(inner.daemon->config->admin_group, "other");
        find_admin_group();
        ck_assert(!inner.daemon->admin_group.is_known);
        find_admin_group();
        ck_assert(inner.daemon->admin_group.is_known);
        failing_group = (Failing){.count = 1, .error = ENOENT};
        find_admin_group();
        ck_assert(!inner.daemon->admin_group.is_known);
}
END_TEST

/* ---- A session's set ---- */

START_TEST(a_set_that_could_not_be_waited_for_is_once_there_is_memory)
{
        Session *session = scene_open(0);
        int reader, writer;

        failing_set = (Failing){.count = 1, .error = ENOMEM};
        ck_assert_int_eq(session_open_set(session), -ENOMEM);
        writer = inner_server_add_pipe(&sharing.clients[0], 0, 1, &reader);
        put_byte(writer);
        inner_server_expect(&sharing.clients[0], IOD__FRAME__BODY_READINESS);
        close(reader);
        close(writer);
}
END_TEST

/* ---- The scratch number ---- */

START_TEST(the_scratch_number_is_given_back_though_the_first_attempts_fail)
{
        int reader, writer;

        scene_open(0);
        /* The first puts the pipe there; the others take it off. */
        failing_dup = (Failing){.after = 1, .count = 3, .error = EBUSY};
        writer = inner_server_add_pipe(&sharing.clients[0], 0, 1, &reader);
        inner_server_settle();
        ck_assert_int_eq(failing_dup.count, 0);
        /* The daemon has none of its ends: without the client's, there is no reader. */
        close(reader);
        ck_assert(WAIT_UNTIL((inner_server_settle(), write(writer, "x", 1) < 0 && errno == EPIPE),
                             DEADLINE_MS));
        close(writer);
}
END_TEST

TEST_SUITE(test_exhaustion)
{
        TCase *tcase = tcase_create("exhaustion");
        const int n_wants = sizeof(wants) / sizeof(wants[0]);
        const int n_passing = sizeof(passing_errors) / sizeof(passing_errors[0]);

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, a_wait_of_the_loop_that_fails_is_said_and_done_again);
        tcase_add_test(tcase, a_loop_that_cannot_wait_any_more_ends_the_daemon);
        tcase_add_loop_test(tcase, in_want_of_anything_accepting_rests_and_nobody_is_lost, 0,
                            n_wants);
        tcase_add_loop_test(tcase, in_want_of_anything_a_listener_rests_and_no_connection_is_lost,
                            0, n_wants);
        tcase_add_loop_test(tcase, a_connection_that_has_gone_is_passed_over, 0, n_passing);
        tcase_add_test(tcase, a_connection_whose_bytes_the_kernel_cannot_look_at_waits_for_them);
        tcase_add_test(tcase,
                       without_memory_for_the_timer_of_a_rest_accepting_goes_on_all_the_same);
        tcase_add_test(tcase,
                       without_memory_for_the_timer_of_a_rest_a_listener_goes_on_all_the_same);
        tcase_add_test(tcase,
                       without_memory_for_its_timer_a_connection_that_could_not_be_sent_is_sent);
        tcase_add_test(tcase,
                       without_memory_for_its_timer_an_unused_listener_is_closed_all_the_same);
        tcase_add_test(tcase, a_set_that_could_not_be_waited_for_is_once_there_is_memory);
        tcase_add_test(tcase, without_descriptors_to_look_for_it_the_admin_group_stays_what_it_is);
        tcase_add_test(tcase, the_scratch_number_is_given_back_though_the_first_attempts_fail);
        suite_add_tcase(suite, tcase);
}
