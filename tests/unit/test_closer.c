/*
 * daemon/closer: whatever close() of a client's file takes, the loop goes on; what is open at a
 * time is bounded; who asked for room is woken, and nobody else.
 */
#include "core/cleanup.h"
#include "daemon/closer.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static Closer closer;
static int wake_fd;

static void set_up(void)
{
        wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        ck_assert_int_ge(wake_fd, 0);
        ck_assert_int_eq(closer_start(&closer, wake_fd, 1), 0);
}

static void push_one(int take_fd)
{
        FdList list = {.count = 0};

        fd_list_add(&list, take_fd);
        closer_push(&closer, &list);
}

/* n descriptors of one pipe's writing end; the reading end tells when all are closed. */
static void push_pipe(size_t n, int *reading_end)
{
        FdList list = {.count = 0};
        int pipe[2];

        pipe_pair(pipe);
        *reading_end = pipe[0];
        fd_list_add(&list, pipe[1]);
        for (size_t i = 1; i < n; i++)
                fd_list_add(&list, dup(pipe[1]));
        closer_push(&closer, &list);
        ck_assert_uint_eq(list.count, 0);
}

static bool is_at_end(int fd)
{
        char byte;

        return read(fd, &byte, 1) == 0;
}

/* ---- a close() that lasts ---- */

static atomic_int gated_fd = -1;
static int gate[2];

/* The closer's, in this program: that of one descriptor lasts until open_gate(), whatever signals
 * come, like that of a file whose server does not answer. */
int close(int fd)
{
        if (fd >= 0 && fd == gated_fd)
                while (read(gate[0], &(char){0}, 1) < 0 && errno == EINTR)
                        ;
        return (int)syscall(SYS_close, fd);
}

static void push_gated(void)
{
        ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
        gated_fd = eventfd(0, EFD_CLOEXEC);
        push_one(gated_fd);
}

static void open_gate(void)
{
        put_byte(gate[1]);
}

START_TEST(what_is_pushed_is_closed)
{
        int end;

        push_pipe(FD_LIST_MAX, &end);
        ck_assert(wait_readable(end, DEADLINE_MS));
        ck_assert(is_at_end(end));
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(what_was_stolen_from_the_list_is_not_closed)
{
        FdList list = {.count = 0};
        int kept[2], given[2];

        pipe_pair(kept);
        pipe_pair(given);
        fd_list_add(&list, kept[1]);
        fd_list_add(&list, given[1]);
        ck_assert_int_eq(fd_list_steal(&list, 0), kept[1]);
        closer_push(&closer, &list);
        ck_assert(wait_readable(given[0], DEADLINE_MS));
        ck_assert(closer_stop(&closer));
        put_byte(kept[1]);
}
END_TEST

START_TEST(no_foreign_descriptor_can_stall_the_loop)
{
        /* Invariant 8: only the thread waits. */
        int end;

        push_gated();
        /* Behind it in the queue, so open for as long as it is. */
        push_pipe(1, &end);
        ck_assert(closer_room(&closer) > 0);
        ck_assert_int_lt(read(end, &(char){0}, 1), 0);
        ck_assert_int_eq(errno, EAGAIN);
        open_gate();
        ck_assert(wait_readable(end, DEADLINE_MS));
        ck_assert(is_at_end(end));
        ck_assert(closer_stop(&closer));
}
END_TEST

/* A connection whose close() would last, and the peer, who has not read. */
static size_t make_lingering(int pair[static 2])
{
        /* Longer than the test may take. */
        const struct linger linger = {.l_onoff = 1, .l_linger = TEST_TIMEOUT_SECONDS};

        tcp_pair(pair);
        ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
        return fill(pair[0]);
}

START_TEST(lingering_sockets_do_not_hold_up_what_is_behind_them)
{
        int lingering[20], pair[2], end;

        for (int i = 0; i < 20; i++) {
                make_lingering(pair);
                lingering[i] = pair[0];
        }
        /* Once the thread waits for work, and once when there is work before it has begun. */
        for (int i = 0; i < 20; i++) {
                if (i == 10) {
                        ck_assert(closer_stop(&closer));
                        ck_assert_int_eq(closer_start(&closer, wake_fd, 1), 0);
                }
                push_one(lingering[i]);
        }
        push_pipe(1, &end);
        ck_assert(wait_readable(end, DEADLINE_MS));
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(what_lingers_is_still_sent_to_the_last_byte)
{
        Deadline deadline = deadline_in(DEADLINE_MS);
        size_t sent, received = 0;
        int pair[2];

        sent = make_lingering(pair);
        push_one(pair[0]);
        ck_assert(closer_stop(&closer));
        while (received < sent || !is_at_end(pair[1])) {
                ck_assert(wait_readable(pair[1], deadline_left(deadline)));
                received += drain(pair[1]);
        }
        ck_assert_uint_eq(received, sent);
}
END_TEST

START_TEST(room_means_a_full_packet_and_who_asked_is_woken)
{
        int ends[2];
        eventfd_t value;

        push_gated();
        /* With the one being closed: 512 - 253 leave room for a full packet, one more does not. */
        push_pipe(FD_LIST_MAX, &ends[0]);
        push_pipe(CLOSER_QUEUE_MAX - FD_LIST_MAX - FD_LIST_MAX - 1, &ends[1]);
        ck_assert(closer_room(&closer) > 0);
        push_one(eventfd(0, EFD_CLOEXEC));
        ck_assert(closer_room(&closer) == 0);
        ck_assert_int_lt(eventfd_read(wake_fd, &value), 0);
        open_gate();
        ck_assert(wait_readable(wake_fd, DEADLINE_MS));
        ck_assert(closer_room(&closer) > 0);
        ck_assert(closer_stop(&closer));
        /* Woken once for what was asked once. */
        ck_assert_int_eq(eventfd_read(wake_fd, &value), 0);
        ck_assert_uint_eq(value, 1);
}
END_TEST

START_TEST(what_a_session_leaves_has_a_place_when_packets_have_none)
{
        int ends[3], own[2];

        push_gated();
        push_pipe(FD_LIST_MAX, &ends[0]);
        push_pipe(FD_LIST_MAX, &ends[1]);
        push_pipe(CLOSER_QUEUE_MAX - 2 * FD_LIST_MAX - 1, &ends[2]);
        ck_assert(!closer_is_behind(&closer));
        ck_assert_uint_eq(closer_room(&closer), 0);
        /* This closer is for one session: its socket and its set. */
        pipe_pair(own);
        closer_push_own(&closer, dup(own[1]));
        ck_assert(closer_is_behind(&closer));
        closer_push_own(&closer, own[1]);
        ck_assert_uint_eq(closer_room(&closer), 0);
        open_gate();
        ck_assert(wait_readable(own[0], DEADLINE_MS));
        ck_assert(is_at_end(own[0]));
        ck_assert(wait_readable(wake_fd, DEADLINE_MS));
        ck_assert(!closer_is_behind(&closer));
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(who_did_not_ask_for_room_is_not_woken)
{
        eventfd_t value;
        int end;

        push_gated();
        push_pipe(FD_LIST_MAX, &end);
        push_pipe(FD_LIST_MAX, &end);
        open_gate();
        ck_assert(closer_stop(&closer));
        ck_assert_int_lt(eventfd_read(wake_fd, &value), 0);
}
END_TEST

START_TEST(stopping_does_not_wait_for_ever)
{
        push_gated();
        ck_assert(!closer_stop(&closer));
        /* It goes on by itself, and uses *closer. */
        open_gate();
        ck_assert_int_eq(pthread_join(closer.thread, NULL), 0);
}
END_TEST

START_TEST(stopping_closes_what_is_queued)
{
        size_t before = count_descriptors();
        int end;

        push_pipe(FD_LIST_MAX, &end);
        ck_assert(closer_stop(&closer));
        ck_assert_uint_eq(count_descriptors(), before + 1);
        ck_assert(is_at_end(end));
}
END_TEST

START_TEST(the_ring_goes_round_and_closes_everything_once)
{
        size_t before = count_descriptors();
        size_t pushed = 0;

        while (pushed < 20 * CLOSER_QUEUE_MAX) {
                FdList list = {.count = 0};
                eventfd_t value;

                while (closer_room(&closer) == 0) {
                        ck_assert(wait_readable(wake_fd, DEADLINE_MS));
                        eventfd_read(wake_fd, &value);
                }
                for (size_t i = 0; i <= pushed % FD_LIST_MAX; i++)
                        fd_list_add(&list, dup(wake_fd));
                pushed += list.count;
                closer_push(&closer, &list);
        }
        ck_assert(closer_stop(&closer));
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

/* Whether every other thread of this process keeps this signal blocked. */
static bool is_blocked_elsewhere(int signal_number)
{
        DIR *tasks = opendir("/proc/self/task");
        struct dirent *task;
        unsigned others = 0;
        bool blocked = true;

        ck_assert_ptr_nonnull(tasks);
        while ((task = readdir(tasks))) {
                CLEANUP(cleanup_fclose) FILE *status = NULL;
                char path[512], line[256];
                unsigned long long mask;

                if (atoi(task->d_name) <= 0 || atoi(task->d_name) == getpid())
                        continue;
                snprintf(path, sizeof(path), "/proc/self/task/%s/status", task->d_name);
                status = fopen(path, "re");
                while (status && fgets(line, sizeof(line), status)) {
                        if (sscanf(line, "SigBlk: %llx", &mask) == 1) {
                                others++;
                                blocked &= mask >> (signal_number - 1) & 1;
                        }
                }
        }
        closedir(tasks);
        return blocked && others > 0;
}

START_TEST(signals_are_left_to_the_loop)
{
        sigset_t mask;
        int end;

        /* A thread that has not begun has every signal blocked. */
        push_pipe(1, &end);
        ck_assert(wait_readable(end, DEADLINE_MS));

        ck_assert(is_blocked_elsewhere(SIGTERM));
        ck_assert(is_blocked_elsewhere(SIGINT));
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
        ck_assert(!sigismember(&mask, SIGTERM));
        /* The other way round: the interruption is never the loop's. */
        ck_assert(sigismember(&mask, SIGRTMIN));
        ck_assert(closer_stop(&closer));
}
END_TEST

static Suite *closer_suite(void)
{
        Suite *suite = suite_create("closer");
        TCase *queue = tcase_create("queue");

        tcase_add_checked_fixture(queue, set_up, NULL);
        tcase_add_test(queue, what_is_pushed_is_closed);
        tcase_add_test(queue, what_was_stolen_from_the_list_is_not_closed);
        tcase_add_test(queue, no_foreign_descriptor_can_stall_the_loop);
        tcase_add_test(queue, lingering_sockets_do_not_hold_up_what_is_behind_them);
        tcase_add_test(queue, what_lingers_is_still_sent_to_the_last_byte);
        tcase_add_test(queue, room_means_a_full_packet_and_who_asked_is_woken);
        tcase_add_test(queue, what_a_session_leaves_has_a_place_when_packets_have_none);
        tcase_add_test(queue, who_did_not_ask_for_room_is_not_woken);
        tcase_add_test(queue, stopping_closes_what_is_queued);
        tcase_add_test(queue, stopping_does_not_wait_for_ever);
        tcase_add_test(queue, the_ring_goes_round_and_closes_everything_once);
        tcase_add_test(queue, signals_are_left_to_the_loop);
        tcase_set_timeout(queue, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, queue);
        return suite;
}

int main(void)
{
        return run_suite(closer_suite());
}
