/*
 * kyronctl waits about faults of one kind each, made here, and about what is as busy and healthy.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/raw_session.h"
#include "tests/integration/wait_scene.h"
#include "tests/support/deadline.h"
#include "tests/support/epoll_set.h"
#include "tests/support/fixture.h"
#include "waits/socket_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { TOLD_MS = 30000 };

/* Whether every process here has a thread of a sanitizer's, too. */
#ifdef __SANITIZE_THREAD__
enum { SANITIZER_THREAD = true };
#else
enum { SANITIZER_THREAD = false };
#endif

/* Where no daemon is. */
static const KyronctlSetup setup = {.socket_path = "/nowhere/socket"};

/* ---- Processes ------------------------------------------------------------------------------- */

static void sleep_in(int set)
{
        for (;;)
                epoll_set_next(set, -1, NULL);
}

/* A set with a connection that has bytes, which it tells each time. */
static int have_unread(void)
{
        int set = epoll_set_open(), fds[2];

        tcp_pair(fds);
        epoll_set_add(set, fds[1], EPOLLIN, 0);
        if (write(fds[0], "wait", 4) != 4)
                _exit(1);
        epoll_set_next(set, DEADLINE_MS, NULL);
        return set;
}

static void be_told_again_and_again(int tell_fd)
{
        int set = have_unread();

        wait_scene_tell(tell_fd, 0);
        sleep_in(set);
}

/* As often told, and each time it takes what there is: between its own ends, without a pause. */
static void serve_without_a_pause(int tell_fd)
{
        int set = epoll_set_open(), fds[2];
        char bytes[64];

        tcp_pair(fds);
        epoll_set_add(set, fds[1], EPOLLIN, 0);
        wait_scene_tell(tell_fd, 0);
        for (;;) {
                put_byte(fds[0]);
                epoll_set_next(set, DEADLINE_MS, NULL);
                if (read(fds[1], bytes, sizeof(bytes)) <= 0)
                        _exit(1);
        }
}

static void *sleep_for_ever(void *data)
{
        (void)data;
        for (;;)
                pause();
        return NULL;
}

static void wait_for_a_thread(int tell_fd)
{
        pthread_t thread;

        have_unread();
        if (pthread_create(&thread, NULL, sleep_for_ever, NULL) != 0)
                _exit(1);
        wait_scene_tell(tell_fd, 0);
        pthread_join(thread, NULL);
}

/* An edge-triggered set with a timer of twenty times a second. */
static int have_timer(int *timer)
{
        const struct itimerspec often = {.it_interval.tv_nsec = 50000000,
                                         .it_value.tv_nsec = 50000000};
        int set = epoll_set_open();

        *timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (timerfd_settime(*timer, 0, &often, NULL) < 0)
                _exit(1);
        epoll_set_add(set, *timer, EPOLLIN | EPOLLET, 0);
        epoll_set_next(set, DEADLINE_MS, NULL);
        return set;
}

static void leave_a_timer(int tell_fd)
{
        int timer, set = have_timer(&timer);

        wait_scene_tell(tell_fd, (uint32_t)timer);
        sleep_in(set);
}

static void read_a_timer(int tell_fd)
{
        int timer, set = have_timer(&timer);
        uint64_t times;

        wait_scene_tell(tell_fd, 0);
        while (read(timer, &times, sizeof(times)) == sizeof(times))
                epoll_set_next(set, -1, NULL);
        _exit(1);
}

/* Waits for a connection under a number that it has closed, with another number for it. */
static void close_what_is_waited_for(int tell_fd)
{
        int set = epoll_set_open(), fds[2];

        tcp_pair(fds);
        epoll_set_add(set, fds[1], EPOLLIN, 0);
        if (dup(fds[1]) < 0)
                _exit(1);
        close(fds[1]);
        wait_scene_tell(tell_fd, (uint32_t)fds[1]);
        sleep_in(set);
}

/* The same, with a descriptor that was another's before. */
static void use_a_number_again(int tell_fd)
{
        int set = epoll_set_open(), fds[2], others[2], number;

        tcp_pair(fds);
        tcp_pair(others);
        epoll_set_add(set, fds[1], EPOLLIN, 0);
        epoll_set_control(set, EPOLL_CTL_DEL, fds[1], 0, 0);
        number = fds[1];
        close(fds[1]);
        if (dup2(others[1], number) < 0)
                _exit(1);
        epoll_set_add(set, number, EPOLLIN, 0);
        wait_scene_tell(tell_fd, 0);
        sleep_in(set);
}

static void leave_datagrams(int tell_fd)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t length = sizeof(address);
        int set = epoll_set_open(), fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (bind(fd, (struct sockaddr *)&address, length) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &length) < 0)
                _exit(1);
        epoll_set_add(set, fd, EPOLLIN | EPOLLET, 0);
        if (sendto(fd, "lost", 4, 0, (struct sockaddr *)&address, length) != 4)
                _exit(1);
        epoll_set_next(set, DEADLINE_MS, NULL);
        wait_scene_tell(tell_fd, ntohs(address.sin_port));
        sleep_in(set);
}

/* Of a listener with this backlog; connects so many times, and then more, one in 50 ms. */
static void be_slow(int tell_fd, int backlog, int connections)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        const struct timespec pause_between = {.tv_nsec = 50000000};
        socklen_t length = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, backlog) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &length) < 0)
                _exit(1);
        for (int i = 0; i < connections || connections < 0; i++) {
                int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

                (void)connect(connection, (const struct sockaddr *)&address, sizeof(address));
                if (i == 0)
                        wait_scene_tell(tell_fd, ntohs(address.sin_port));
                if (connections < 0)
                        nanosleep(&pause_between, NULL);
        }
}

static void be_slower_and_slower(int tell_fd)
{
        be_slow(tell_fd, 4096, -1);
}

/* The third finds no room. */
static void be_full(int tell_fd)
{
        be_slow(tell_fd, 1, 3);
}

/* Waits for two sockets, and leaves a place free. */
static void poll_two(int tell_fd)
{
        struct pollfd fds[3] = {{.fd = -1}, {.events = POLLIN}, {.events = POLLIN | POLLPRI}};
        int pair[2];

        tcp_pair(pair);
        fds[1].fd = pair[0];
        fds[2].fd = pair[1];
        wait_scene_tell(tell_fd, 0);
        poll(fds, 3, -1);
}

static void select_one(int tell_fd)
{
        fd_set set;
        int pair[2];

        FD_ZERO(&set);
        tcp_pair(pair);
        FD_SET(pair[1], &set);
        wait_scene_tell(tell_fd, 0);
        select(pair[1] + 1, &set, NULL, NULL, NULL);
}

/* Waits for something else, and has a set with unread bytes. */
static void poll_elsewhere(int tell_fd)
{
        struct pollfd fd = {.events = POLLIN};
        int pair[2];

        have_unread();
        tcp_pair(pair);
        fd.fd = pair[0];
        wait_scene_tell(tell_fd, 0);
        poll(&fd, 1, -1);
}

/* Waits for the set, in another one, and sleeps whatever that says: the set is edge-triggered
 * there, and has told. */
static void poll_a_set(int tell_fd)
{
        int inner = have_unread(), set = epoll_set_open();
        struct pollfd fd = {.fd = set, .events = POLLIN};

        epoll_set_add(set, inner, EPOLLIN | EPOLLET, 0);
        epoll_set_next(set, DEADLINE_MS, NULL);
        wait_scene_tell(tell_fd, 0);
        poll(&fd, 1, -1);
}

static int pipe_fds[2];

static void read_a_pipe(int tell_fd)
{
        char byte;

        have_unread();
        close(pipe_fds[1]);
        wait_scene_tell(tell_fd, 0);
        if (read(pipe_fds[0], &byte, 1) < 0)
                _exit(1);
}

static void have_the_other_end(int tell_fd)
{
        close(pipe_fds[0]);
        wait_scene_tell(tell_fd, 0);
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* What waits says of a process; for json_decref(). */
static json_t *ask(const KyronctlSetup *where, pid_t pid)
{
        char word[16];
        KyronctlRun run = RUN(where, "waits", wait_scene_text(pid, word), "--json");
        json_t *answer;

        kyronctl_run_succeeded(&run);
        answer = kyronctl_run_json(&run);
        kyronctl_run_release(&run);
        return answer;
}

/* The diagnosis of this kind, or of any; borrowed. */
static json_t *find_diagnosis(const json_t *answer, const char *kind)
{
        json_t *row, *diagnosis;
        size_t i, j;

        json_array_foreach(json_object_get(answer, "waits"), i, row)
        {
                json_array_foreach(json_object_get(row, "diagnoses"), j, diagnosis)
                {
                        const char *found = json_string_value(json_object_get(diagnosis, "kind"));

                        if (!kind || strcmp(found, kind) == 0)
                                return diagnosis;
                }
        }
        return NULL;
}

static bool is_told(const KyronctlSetup *where, pid_t pid, const char *kind, json_t **out)
{
        json_t *answer = ask(where, pid), *found = find_diagnosis(answer, kind);

        json_decref(*out);
        *out = json_incref(found);
        json_decref(answer);
        return found != NULL;
}

static void expect_sentence(const json_t *diagnosis, const char *part)
{
        const char *sentence = json_string_value(json_object_get(diagnosis, "sentence"));

        ck_assert_msg(strstr(sentence, part) != NULL, "\"%s\" is not in: %s", part, sentence);
}

static void expect_none(pid_t pid)
{
        CLEANUP(cleanup_json) json_t *answer = ask(&setup, pid);
        const json_t *diagnosis = find_diagnosis(answer, NULL);

        ck_assert_msg(!diagnosis, "%s", json_string_value(json_object_get(diagnosis, "sentence")));
}

static void count_one(void *data, const Socket *socket)
{
        (void)socket;
        ++*(size_t *)data;
}

/* Whether this machine's kernel tells of such sockets, of which there is one then. */
static bool sees_sockets(SocketKind kind)
{
        int fd = socket(AF_INET, kind == SOCKET_UDP ? SOCK_DGRAM : SOCK_STREAM, 0);
        size_t count = 0;
        const struct sockaddr_in any = {.sin_family = AF_INET};

        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
        if (kind == SOCKET_TCP)
                ck_assert_int_eq(listen(fd, 1), 0);
        socket_dump(kind, false, count_one, &count);
        close(fd);
        return count > 0;
}

START_TEST(one_that_is_told_again_and_again_is_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        pid_t pid = wait_scene_start(be_told_again_and_again, NULL);

        if (SANITIZER_THREAD)
                SKIP_TEST("a sanitizer's thread runs beside the process's own");
        if (!sees_sockets(SOCKET_TCP))
                SKIP_TEST("there are no socket diagnostics here");
        /* On a machine with much to do it may be starved. */
        ck_assert(WAIT_UNTIL(is_told(&setup, pid, "spinning", &diagnosis) ||
                                     is_told(&setup, pid, "starved", &diagnosis),
                             TOLD_MS));
}
END_TEST

START_TEST(one_that_serves_without_a_pause_is_not)
{
        pid_t pid = wait_scene_start(serve_without_a_pause, NULL);

        expect_none(pid);
        expect_none(pid);
}
END_TEST

START_TEST(a_set_for_which_nobody_waits_is_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        pid_t pid = wait_scene_start(wait_for_a_thread, NULL);

        if (SANITIZER_THREAD)
                SKIP_TEST("a sanitizer's thread runs beside the process's own");
        if (!sees_sockets(SOCKET_TCP))
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(WAIT_UNTIL(is_told(&setup, pid, "nobody-waits", &diagnosis), TOLD_MS));
        kyronctl_json_check_number(diagnosis, "amount", 1);
        expect_sentence(diagnosis, "all of its threads have slept elsewhere");
}
END_TEST

/* Expects one row of a process that sleeps in this call. */
static void expect_loop(pid_t pid, const char *loop, uint64_t entries)
{
        CLEANUP(cleanup_json) json_t *answer = ask(&setup, pid);
        const json_t *row = json_array_get(json_object_get(answer, "waits"), 0);

        ck_assert_uint_eq(json_array_size(json_object_get(answer, "waits")), 1);
        kyronctl_json_check_text(row, "loop", loop);
        kyronctl_json_check_number(row, "entries", entries);
        kyronctl_json_check_number(row, "tid", (uint64_t)pid);
        kyronctl_json_check_text(row, "state", "asleep");
        ck_assert(json_is_null(json_object_get(row, "set")));
}

START_TEST(who_polls_is_shown_with_what)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        pid_t polls = wait_scene_start(poll_two, NULL);
        pid_t selects = wait_scene_start(select_one, NULL);
        char word[16];

        expect_loop(polls, "poll", 2);
        expect_loop(selects, "select", 1);
        run = RUN(&setup, "waits", wait_scene_text(polls, word));
        ck_assert_msg(strstr(run.out, " poll "), "%s", run.out);
}
END_TEST

START_TEST(a_set_that_is_not_among_what_is_polled_is_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        pid_t pid = wait_scene_start(poll_elsewhere, NULL);
        pid_t other = wait_scene_start(poll_a_set, NULL);

        if (SANITIZER_THREAD)
                SKIP_TEST("a sanitizer's thread runs beside the process's own");
        if (!sees_sockets(SOCKET_TCP))
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(WAIT_UNTIL(is_told(&setup, pid, "nobody-waits", &diagnosis), TOLD_MS));
        ck_assert(!is_told(&setup, other, "nobody-waits", &diagnosis));
}
END_TEST

START_TEST(a_timer_that_is_not_read_is_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        uint32_t timer;
        pid_t pid = wait_scene_start(leave_a_timer, &timer);
        pid_t healthy = wait_scene_start(read_a_timer, NULL);

        ck_assert(WAIT_UNTIL(is_told(&setup, pid, "late-timer", &diagnosis), TOLD_MS));
        kyronctl_json_check_number(diagnosis, "descriptor", timer);
        expect_sentence(diagnosis, "set to expire every 50 ms");
        expect_none(healthy);
}
END_TEST

START_TEST(an_entry_of_a_closed_descriptor_is_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        uint32_t number;
        pid_t pid = wait_scene_start(close_what_is_waited_for, &number);
        pid_t healthy = wait_scene_start(use_a_number_again, NULL);

        ck_assert(WAIT_UNTIL(is_told(&setup, pid, "stale-entry", &diagnosis), TOLD_MS));
        kyronctl_json_check_number(diagnosis, "descriptor", number);
        kyronctl_json_check_number(diagnosis, "amount", 1);
        expect_none(healthy);
}
END_TEST

START_TEST(datagrams_that_are_not_read_are_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        uint32_t port;
        pid_t pid = wait_scene_start(leave_datagrams, &port);
        char address[64], word[16];

        if (SANITIZER_THREAD)
                SKIP_TEST("a sanitizer's thread runs beside the process's own");
        if (!sees_sockets(SOCKET_UDP))
                SKIP_TEST("there are no socket diagnostics of UDP here");
        ck_assert(WAIT_UNTIL(is_told(&setup, pid, "unread", &diagnosis), TOLD_MS));
        snprintf(address, sizeof(address), "datagrams to 127.0.0.1:%u", port);
        expect_sentence(diagnosis, address);
        snprintf(address, sizeof(address), ":%u", port);
        run = RUN(&setup, "why", address);
        ck_assert_msg(strstr(run.out, wait_scene_text(pid, word)), "%s%s", run.out, run.err);
}
END_TEST

START_TEST(a_backlog_that_grows_is_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        pid_t pid = wait_scene_start(be_slower_and_slower, NULL);

        if (!sees_sockets(SOCKET_TCP))
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(WAIT_UNTIL(is_told(&setup, pid, "backlog-grows", &diagnosis), TOLD_MS));
        expect_sentence(diagnosis, "waited a moment before");
}
END_TEST

START_TEST(who_finds_no_room_is_told_of_the_listener)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        pid_t pid = wait_scene_start(be_full, NULL);
        char word[16];

        if (!sees_sockets(SOCKET_TCP))
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(WAIT_UNTIL(is_told(&setup, pid, "backlog-full", &diagnosis), TOLD_MS));
        ck_assert(!is_told(&setup, pid, "peer-silent", &diagnosis));
        /* It is its own. */
        run = RUN(&setup, "why", wait_scene_text(pid, word));
        ck_assert_msg(strstr(run.out, "which is where this began"), "%s", run.out);
}
END_TEST

START_TEST(of_one_that_is_blocked_the_other_end_is_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        pid_t pid, other;
        char end[64], word[16];

        ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
        pid = wait_scene_start(read_a_pipe, NULL);
        other = wait_scene_start(have_the_other_end, NULL);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        if (SANITIZER_THREAD)
                SKIP_TEST("a sanitizer's thread runs beside the process's own");
        if (!sees_sockets(SOCKET_TCP))
                SKIP_TEST("there are no socket diagnostics here");
        ck_assert(WAIT_UNTIL(is_told(&setup, pid, "blocked", &diagnosis), TOLD_MS));
        expect_sentence(diagnosis, ", a pipe for at least");
        /* Asked for this process alone, it sees no other. */
        run = RUN(&setup, "why", wait_scene_text(pid, word));
        snprintf(end, sizeof(end), " %d for at least", (int)other);
        ck_assert_msg(strstr(run.out, ", a pipe from ") && strstr(run.out, end), "%s", run.out);
}
END_TEST

START_TEST(a_session_that_does_not_read_is_told)
{
        CLEANUP(cleanup_json) json_t *diagnosis = NULL;
        DaemonConnection deaf, healthy;
        TestDaemon daemon_process;
        KyronctlSetup with_daemon;
        bool told;

        test_daemon_start(&daemon_process, NULL);
        with_daemon = (KyronctlSetup){.socket_path = daemon_process.socket_path};
        deaf = raw_session_open(&daemon_process, "deaf");
        healthy = raw_session_open(&daemon_process, "healthy");
        ck_assert(
                WAIT_UNTIL(raw_session_get_status(&deaf) == -EAGAIN && !wait_writable(deaf.fd, 100),
                           DEADLINE_MS));
        told = WAIT_UNTIL(is_told(&with_daemon, getpid(), "session-unread", &diagnosis), TOLD_MS);
        close(deaf.fd);
        close(healthy.fd);
        test_daemon_stop(&daemon_process);
        ck_assert(told);
        kyronctl_json_check_number(diagnosis, "session", deaf.session);
        expect_sentence(diagnosis, "has read nothing of what kyron-iod sent it");
}
END_TEST

TEST_SUITE(test_wait_kinds)
{
        TCase *tc = tcase_create("wait_kinds");

        tcase_set_timeout(tc, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tc, NULL, wait_scene_end);
        tcase_add_test(tc, one_that_is_told_again_and_again_is_told);
        tcase_add_test(tc, one_that_serves_without_a_pause_is_not);
        tcase_add_test(tc, a_set_for_which_nobody_waits_is_told);
        tcase_add_test(tc, who_polls_is_shown_with_what);
        tcase_add_test(tc, a_set_that_is_not_among_what_is_polled_is_told);
        tcase_add_test(tc, a_timer_that_is_not_read_is_told);
        tcase_add_test(tc, an_entry_of_a_closed_descriptor_is_told);
        tcase_add_test(tc, datagrams_that_are_not_read_are_told);
        tcase_add_test(tc, a_backlog_that_grows_is_told);
        tcase_add_test(tc, who_finds_no_room_is_told_of_the_listener);
        tcase_add_test(tc, of_one_that_is_blocked_the_other_end_is_told);
        tcase_add_test(tc, a_session_that_does_not_read_is_told);
        suite_add_tcase(suite, tc);
}
