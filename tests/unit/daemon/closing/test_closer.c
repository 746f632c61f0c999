/*
 * daemon/closer and daemon/closer_worker: whatever close() of a client's file takes, the loop goes
 * on and so do other users' lanes; what is open at a time is bounded; who asked for room is woken,
 * and nobody else. Patience is a timer of the loop's, so it comes only where a test takes turns.
 */
#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/closing/closer.h"
#include "daemon/loop/loop.h"
#include "daemon/process/log.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ALICE = 1000, BOB, CAROL };

static Closer closer;
static CloserLane *lane; /* alice's */
static Loop loop;
static int wake_fd;

static void start(size_t places)
{
        ck_assert_int_eq(closer_start(&closer, &loop, wake_fd, places), 0);
        ck_assert_int_eq(closer_lane_join(&closer, ALICE, &lane), 0);
}

static void set_up_with(size_t places)
{
        log_open(LOG_ERR);
        wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        ck_assert_int_ge(wake_fd, 0);
        ck_assert_int_eq(loop_open(&loop), 0);
        start(places);
}

static void set_up(void)
{
        set_up_with(CLOSER_PLACES_MAX);
}

static void set_up_few_places(void)
{
        set_up_with(CLOSER_PLACES_MIN);
}

/* What the server does when it is woken, and the timers that are due. */
static void turn(void)
{
        eventfd_t value;

        if (eventfd_read(wake_fd, &value) == 0)
                closer_tend(&closer);
        event_base_loop(loop.base, EVLOOP_NONBLOCK);
}

static bool is_patient(void)
{
        return event_pending(&closer.patience->event, EV_TIMEOUT, NULL);
}

static void push_one(CloserLane *to, int take_fd)
{
        FdList list = {.count = 0};

        fd_list_add(&list, take_fd);
        closer_push(&closer, to, &list);
}

/* n descriptors of one pipe's writing end; the reading end tells when all are closed. */
static void push_pipe_to(CloserLane *to, size_t n, int *reading_end)
{
        FdList list = {.count = 0};
        int pipe[2];

        pipe_pair(pipe);
        *reading_end = pipe[0];
        fd_list_add(&list, pipe[1]);
        for (size_t i = 1; i < n; i++)
                fd_list_add(&list, dup(pipe[1]));
        closer_push(&closer, to, &list);
        ck_assert_uint_eq(list.count, 0);
}

static void push_pipe(size_t n, int *reading_end)
{
        push_pipe_to(lane, n, reading_end);
}

static bool is_at_end(int fd)
{
        char byte;

        return read(fd, &byte, 1) == 0;
}

/* ---- a close() that lasts ---- */

enum { GATED_FDS = 2048 };

static atomic_bool gated[GATED_FDS];
static int gate[2];

/* The closer's, in this program: that of some descriptors lasts until open_gate(), whatever signals
 * come, like that of a file whose server does not answer. */
int close(int fd)
{
        if (fd >= 0 && fd < GATED_FDS && atomic_exchange(&gated[fd], false))
                wait_readable(gate[0], 2 * DEADLINE_MS);
        return (int)syscall(SYS_close, fd);
}

static atomic_bool woken_under_lock;

/* Who waits for the lock that it has waits for ever; another's is free soon. */
int eventfd_write(int fd, eventfd_t value)
{
        if (fd == wake_fd) {
                if (WAIT_UNTIL(pthread_mutex_trylock(&closer.lock) == 0, DEADLINE_MS))
                        pthread_mutex_unlock(&closer.lock);
                else
                        woken_under_lock = true;
        }
        return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}

static void push_gated_to(CloserLane *to)
{
        int fd = eventfd(0, EFD_CLOEXEC);

        if (gate[1] == 0)
                ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
        ck_assert_int_lt(fd, GATED_FDS);
        gated[fd] = true;
        push_one(to, fd);
}

static void push_gated(void)
{
        push_gated_to(lane);
}

static void open_gate(void)
{
        put_byte(gate[1]);
}

static unsigned count_workers(const CloserLane *of, CloserWorkerState state)
{
        unsigned count = 0;

        pthread_mutex_lock(&closer.lock);
        for (size_t i = 0; i < CLOSER_LANE_THREADS; i++)
                count += of->workers[i].state == state;
        pthread_mutex_unlock(&closer.lock);
        return count;
}

static size_t count_open(const CloserLane *of)
{
        size_t open;

        pthread_mutex_lock(&closer.lock);
        open = of->open;
        pthread_mutex_unlock(&closer.lock);
        return open;
}

static size_t count_queued(const CloserLane *of)
{
        size_t queued;

        pthread_mutex_lock(&closer.lock);
        queued = of->queued;
        pthread_mutex_unlock(&closer.lock);
        return queued;
}

static size_t count_lanes(void)
{
        CloserLane *each;
        size_t count = 0;

        LIST_FOREACH(each, &closer.lanes, link)
        count += each != &closer.strangers;
        return count;
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
        closer_push(&closer, lane, &list);
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
        ck_assert(closer_room(&closer, lane) > 0);
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
        for (int i = 0; i < 20; i++)
                push_one(lane, lingering[i]);
        push_pipe(1, &end);
        ck_assert(WAIT_UNTIL((turn(), wait_readable(end, 0)), DEADLINE_MS));
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(what_lingers_is_still_sent_to_the_last_byte)
{
        Deadline deadline = deadline_in(DEADLINE_MS);
        size_t sent, received = 0;
        int pair[2];

        sent = make_lingering(pair);
        push_one(lane, pair[0]);
        ck_assert(closer_stop(&closer));
        while (received < sent || !is_at_end(pair[1])) {
                ck_assert(wait_readable(pair[1], deadline_left(deadline)));
                received += drain(pair[1]);
        }
        ck_assert_uint_eq(received, sent);
}
END_TEST

static int receipts_told;

static void count_receipt(void *data)
{
        (void)data;
        receipts_told++;
}

START_TEST(who_waits_for_what_is_being_closed_is_told_when_it_is)
{
        CloserReceipt first, second;
        int ends[2];

        waker_init(&first.waker, count_receipt, NULL);
        waker_init(&second.waker, count_receipt, NULL);
        for (int i = 0; i < CLOSER_LANE_THREADS; i++)
                push_gated();
        ck_assert(WAIT_UNTIL(
                (turn(), count_workers(lane, CLOSER_WORKER_WRITTEN_OFF) == CLOSER_LANE_THREADS),
                DEADLINE_MS));
        push_pipe(1, &ends[0]);
        closer_await(&closer, lane, &first);
        closer_await(&closer, lane, &second);
        push_pipe(3, &ends[1]);
        closer_await(&closer, lane, &first);
        ck_assert(WAIT_UNTIL((turn(), closer.patience_is_long), DEADLINE_MS));
        ck_assert_int_eq(receipts_told, 0);
        open_gate();
        ck_assert(WAIT_UNTIL((turn(), receipts_told > 0), DEADLINE_MS));
        ck_assert(!waker_waits(&second.waker));
        ck_assert(is_at_end(ends[0]));
        ck_assert(WAIT_UNTIL((turn(), receipts_told == 2), DEADLINE_MS));
        ck_assert(is_at_end(ends[1]));
        ck_assert(WAIT_UNTIL((turn(), closer.threads == 1), DEADLINE_MS));
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(who_waits_is_told_without_another_push)
{
        CloserReceipt receipt;

        waker_init(&receipt.waker, count_receipt, NULL);
        for (int i = 1; i <= 20; i++) {
                push_one(lane, eventfd(0, EFD_CLOEXEC));
                if (i % 2)
                        ck_assert(WAIT_UNTIL(count_open(lane) == 0, DEADLINE_MS));
                closer_await(&closer, lane, &receipt);
                ck_assert(WAIT_UNTIL((turn(), receipts_told == i), DEADLINE_MS));
        }
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(room_means_a_full_packet_and_who_asked_is_woken)
{
        int ends[2];
        eventfd_t value;

        push_gated();
        /* With the one being closed: 512 - 253 leave room for a full packet, one more does not. */
        push_pipe(FD_LIST_MAX, &ends[0]);
        push_pipe(CLOSER_LANE_MAX - FD_LIST_MAX - FD_LIST_MAX - 1, &ends[1]);
        ck_assert(closer_room(&closer, lane) > 0);
        push_one(lane, eventfd(0, EFD_CLOEXEC));
        ck_assert(closer_room(&closer, lane) == 0);
        ck_assert_int_lt(eventfd_read(wake_fd, &value), 0);
        open_gate();
        ck_assert(wait_readable(wake_fd, DEADLINE_MS));
        ck_assert(closer_room(&closer, lane) > 0);
        ck_assert(closer_stop(&closer));
        /* Woken once for what was asked once. */
        ck_assert_int_eq(eventfd_read(wake_fd, &value), 0);
        ck_assert_uint_eq(value, 1);
}
END_TEST

START_TEST(descriptors_still_in_use_have_their_places_and_are_pushed_into_them)
{
        FdList list = {.count = 0};
        int ends[2];

        pipe_pair(ends);
        for (int i = 0; i < FD_LIST_MAX; i++)
                fd_list_add(&list, i == 0 ? ends[1] : dup(ends[1]));
        closer_expect(&closer, lane, &list);
        ck_assert_uint_eq(closer_room(&closer, lane), 1);
        closer_expect(&closer, lane, &list);
        ck_assert_uint_eq(closer_room(&closer, lane), 0);
        closer_push_expected(&closer, lane, &list);
        ck_assert(wait_readable(ends[0], DEADLINE_MS));
        ck_assert(is_at_end(ends[0]));
        ck_assert(WAIT_UNTIL(closer_room(&closer, lane) == 1, DEADLINE_MS));
        list.count = 0;
        for (int i = 0; i < FD_LIST_MAX; i++)
                fd_list_add(&list, -1);
        closer_push_expected(&closer, lane, &list);
        ck_assert_uint_eq(closer_room(&closer, lane), 2);
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(what_a_session_leaves_has_a_place_when_packets_have_none)
{
        CloserLane *again;
        int ends[3], own[2];

        push_gated();
        push_pipe(FD_LIST_MAX, &ends[0]);
        push_pipe(FD_LIST_MAX, &ends[1]);
        push_pipe(CLOSER_LANE_MAX - 2 * FD_LIST_MAX - 1, &ends[2]);
        ck_assert_uint_eq(closer_room(&closer, lane), 0);
        /* Another session is taken while the packets' places suffice, and not after. */
        ck_assert_int_eq(closer_lane_join(&closer, ALICE, &again), 0);
        ck_assert_ptr_eq(again, lane);
        pipe_pair(own);
        for (int i = 0; i < 3; i++)
                closer_push_own(&closer, lane, dup(own[1]));
        closer_push_own(&closer, lane, own[1]);
        closer_lane_leave(&closer, lane);
        ck_assert_int_eq(closer_lane_join(&closer, ALICE, &again), -EDQUOT);
        ck_assert_str_eq(error_text(), "user 1000 sent descriptors that take long to close: "
                                       "try again later");
        ck_assert_uint_eq(closer_room(&closer, lane), 0);
        open_gate();
        ck_assert(wait_readable(own[0], DEADLINE_MS));
        ck_assert(is_at_end(own[0]));
        ck_assert(wait_readable(wake_fd, DEADLINE_MS));
        ck_assert_int_eq(closer_lane_join(&closer, ALICE, &again), 0);
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(a_lane_grows_with_the_places_that_are_reserved_and_keeps_its_order)
{
        enum { SESSIONS = 300 };
        size_t before = count_descriptors();
        CloserLane *same;
        int end;

        push_gated();
        push_pipe(FD_LIST_MAX, &end);
        for (int i = 0; i < SESSIONS; i++)
                ck_assert_int_eq(closer_lane_join(&closer, ALICE, &same), 0);
        for (int i = 0; i < SESSIONS; i++) {
                closer_push_own(&closer, lane, dup(wake_fd));
                /* A place that was not needed. */
                closer_push_own(&closer, lane, -1);
                closer_lane_leave(&closer, lane);
        }
        ck_assert_int_eq(closer_reserve(&closer, lane, 1000), 0);
        for (int i = 0; i < 1000; i++)
                closer_push_own(&closer, lane, -1);
        ck_assert_uint_eq(lane->reserved, CLOSER_SESSION_PLACES);
        open_gate();
        ck_assert(closer_stop(&closer));
        ck_assert(is_at_end(end));
        close(end);
        close(gate[0]);
        close(gate[1]);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

/* ---- what does not close at all ---- */

START_TEST(what_does_not_close_is_left_to_its_thread_and_the_rest_is_closed)
{
        int end;

        push_gated();
        push_pipe(1, &end);
        ck_assert(is_patient());
        ck_assert(WAIT_UNTIL((turn(), wait_readable(end, 0)), DEADLINE_MS));
        ck_assert_uint_eq(count_workers(lane, CLOSER_WORKER_WRITTEN_OFF), 1);
        /* It keeps its place, and is looked at now and then. */
        ck_assert(WAIT_UNTIL((turn(), closer.patience_is_long), DEADLINE_MS));
        ck_assert_uint_eq(count_open(lane), 1);
        open_gate();
        ck_assert(WAIT_UNTIL((turn(), count_open(lane) == 0 && closer.threads == 1), DEADLINE_MS));
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(a_lane_has_eight_threads_at_most_and_goes_on_with_the_first_that_is_free)
{
        int end;

        for (int i = 0; i < CLOSER_LANE_THREADS; i++)
                push_gated();
        push_pipe(1, &end);
        ck_assert(WAIT_UNTIL(
                (turn(), count_workers(lane, CLOSER_WORKER_WRITTEN_OFF) == CLOSER_LANE_THREADS),
                DEADLINE_MS));
        ck_assert(WAIT_UNTIL((turn(), closer.patience_is_long), DEADLINE_MS));
        ck_assert_uint_eq(closer.threads, CLOSER_LANE_THREADS);
        ck_assert(!wait_readable(end, 0));
        open_gate();
        ck_assert(wait_readable(end, DEADLINE_MS));
        ck_assert(WAIT_UNTIL((turn(), closer.threads == 1), DEADLINE_MS));
        /* And the one that is left closes what comes. */
        push_pipe(1, &end);
        ck_assert(wait_readable(end, DEADLINE_MS));
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(it_goes_on_whatever_its_users_files_do)
{
        int end;

        closer_goes_on(&closer);
        for (int i = 0; i < CLOSER_LANE_THREADS; i++)
                push_gated();
        push_pipe(1, &end);
        ck_assert(WAIT_UNTIL(
                (turn(), count_workers(lane, CLOSER_WORKER_WRITTEN_OFF) == CLOSER_LANE_THREADS),
                DEADLINE_MS));
        for (int i = 0; i < 10; i++)
                ck_assert(closer_goes_on(&closer));
        open_gate();
        ck_assert(wait_readable(end, DEADLINE_MS));
        ck_assert(closer_goes_on(&closer));
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(a_lane_whose_thread_does_not_take_what_is_there_does_not_go_on)
{
        int fd = dup(wake_fd);

        push_one(lane, fd);
        ck_assert(WAIT_UNTIL((turn(), count_open(lane) == 0), DEADLINE_MS));
        /* As if the thread had missed that there is more. */
        pthread_mutex_lock(&closer.lock);
        lane->queued++;
        pthread_mutex_unlock(&closer.lock);
        ck_assert(closer_goes_on(&closer));
        ck_assert(!closer_goes_on(&closer));
        lane->begun++;
        ck_assert(closer_goes_on(&closer));
        ck_assert(!closer_goes_on(&closer));
        pthread_mutex_lock(&closer.lock);
        lane->queued--;
        pthread_mutex_unlock(&closer.lock);
        ck_assert(closer_goes_on(&closer));
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(nobody_waits_behind_another_users_descriptors)
{
        CloserLane *bobs;
        int end;

        ck_assert_int_eq(closer_lane_join(&closer, BOB, &bobs), 0);
        ck_assert_ptr_ne(bobs, lane);
        /* Without a turn of the loop, so nothing is written off. */
        push_gated();
        push_pipe(FD_LIST_MAX, &end);
        push_pipe(FD_LIST_MAX, &end);
        ck_assert_uint_eq(closer_room(&closer, lane), 0);
        ck_assert_uint_eq(closer_room(&closer, bobs), 2);
        push_pipe_to(bobs, 1, &end);
        ck_assert(wait_readable(end, DEADLINE_MS));
        ck_assert(!closer_is_full(&closer));
        open_gate();
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(with_few_places_one_user_leaves_room_for_another_and_all_are_bounded)
{
        CloserLane *bobs, *carols;
        int end;

        ck_assert_int_eq(closer_lane_join(&closer, BOB, &bobs), 0);
        ck_assert_int_eq(closer_lane_join(&closer, CAROL, &carols), 0);
        push_gated();
        push_pipe(FD_LIST_MAX - 1, &end);
        ck_assert_uint_eq(closer_room(&closer, lane), 0);
        ck_assert_uint_eq(closer_room(&closer, bobs), 1);
        push_gated_to(bobs);
        push_pipe_to(bobs, FD_LIST_MAX - 1, &end);
        ck_assert_uint_eq(closer_room(&closer, carols), 0);
        ck_assert(!closer_is_full(&closer));
        open_gate();
        ck_assert(wait_readable(wake_fd, DEADLINE_MS));
        ck_assert(WAIT_UNTIL(closer_room(&closer, carols) > 0, DEADLINE_MS));
        ck_assert(closer_stop(&closer));
}
END_TEST

/* Each takes all the room it has, with what does not close. */
START_TEST(eight_users_who_fill_their_places_leave_the_next_one_a_packet)
{
        FdList packet = {.count = FD_LIST_MAX};
        CloserLane *lanes[9];

        for (size_t i = 0; i < 8; i++) {
                ck_assert_int_eq(closer_lane_join(&closer, (uid_t)(1000 + i), &lanes[i]), 0);
                while (closer_room(&closer, lanes[i]) > 0)
                        closer_expect(&closer, lanes[i], &packet);
                ck_assert_uint_ge(lanes[i]->open, FD_LIST_MAX);
        }
        ck_assert_int_eq(closer_lane_join(&closer, 1008, &lanes[8]), 0);
        ck_assert_uint_eq(closer_room(&closer, lanes[8]), 1);
        for (int i = 0; i < FD_LIST_MAX; i++)
                packet.fds[i] = -1;
        for (size_t i = 0; i < 8; i++) {
                while (lanes[i]->open > 0) {
                        packet.count = FD_LIST_MAX;
                        closer_push_expected(&closer, lanes[i], &packet);
                }
        }
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(connections_that_are_turned_away_have_a_lane_of_their_own_and_a_bound)
{
        push_gated_to(&closer.strangers);
        /* That one is in its close(), so it has left its place in the ring. */
        ck_assert(WAIT_UNTIL(count_queued(&closer.strangers) == 0, DEADLINE_MS));
        for (int i = 0; i < CLOSER_STRANGERS_MAX; i++) {
                ck_assert(!closer_is_full(&closer));
                closer_push_own(&closer, &closer.strangers, dup(wake_fd));
        }
        ck_assert(closer_is_full(&closer));
        ck_assert_uint_gt(closer_room(&closer, lane), 0);
        open_gate();
        ck_assert(WAIT_UNTIL(!closer_is_full(&closer), DEADLINE_MS));
        ck_assert(closer_stop(&closer));
}
END_TEST

/* As a session does that never had a socket or a set. */
static void leave(CloserLane *leaving)
{
        for (int i = 0; i < CLOSER_SESSION_PLACES; i++)
                closer_push_own(&closer, leaving, -1);
        closer_lane_leave(&closer, leaving);
}

START_TEST(a_lane_goes_with_its_last_session_when_all_is_closed)
{
        CloserLane *same;

        ck_assert_int_eq(closer_lane_join(&closer, ALICE, &same), 0);
        push_gated();
        leave(lane);
        leave(lane);
        turn();
        ck_assert_uint_eq(count_lanes(), 1);
        open_gate();
        ck_assert(WAIT_UNTIL((turn(), count_lanes() == 0), DEADLINE_MS));
        ck_assert(WAIT_UNTIL((turn(), !is_patient()), DEADLINE_MS));
        ck_assert_uint_eq(closer.threads, 0);
        /* One that never had anything to close, too. */
        ck_assert_int_eq(closer_lane_join(&closer, BOB, &lane), 0);
        leave(lane);
        turn();
        ck_assert_uint_eq(count_lanes(), 0);
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(the_loop_is_woken_without_the_lock_that_it_needs_then)
{
        int ends[2];

        push_gated();
        push_pipe(FD_LIST_MAX, &ends[0]);
        push_pipe(FD_LIST_MAX, &ends[1]);
        ck_assert_uint_eq(closer_room(&closer, lane), 0);
        open_gate();
        ck_assert(wait_readable(wake_fd, DEADLINE_MS));
        /* Its thread says that it has ended; a lane that never had one cannot. */
        leave(lane);
        ck_assert(WAIT_UNTIL((turn(), count_lanes() == 0), DEADLINE_MS));
        ck_assert_int_eq(closer_lane_join(&closer, BOB, &lane), 0);
        leave(lane);
        ck_assert(wait_readable(wake_fd, 0));
        ck_assert(closer_stop(&closer));
        ck_assert(!woken_under_lock);
}
END_TEST

START_TEST(patience_ends_with_the_work)
{
        int end;

        ck_assert(!is_patient());
        for (int i = 0; i < 3; i++) {
                push_pipe(FD_LIST_MAX, &end);
                ck_assert(is_patient());
                ck_assert(WAIT_UNTIL((turn(), !is_patient()), DEADLINE_MS));
                ck_assert(is_at_end(end));
        }
        ck_assert(closer_stop(&closer));
}
END_TEST

START_TEST(without_a_thread_it_is_closed_once_there_is_one)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        SKIP_TEST("a sanitizer needs the memory that this test takes away");
#else
        struct rlimit all, none;
        int end;

        ck_assert_int_eq(getrlimit(RLIMIT_AS, &all), 0);
        none = (struct rlimit){.rlim_cur = 1, .rlim_max = all.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
        push_pipe(1, &end);
        turn();
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &all), 0);
        if (closer.threads > 0)
                SKIP_TEST("the limit of memory is not the kernel's here");
        ck_assert(lane->lacks_thread);
        ck_assert(is_patient());
        ck_assert(WAIT_UNTIL((turn(), wait_readable(end, 0)), DEADLINE_MS));
        ck_assert(closer_stop(&closer));
#endif
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
        int end;

        push_gated();
        push_pipe(1, &end);
        ck_assert(!closer_stop(&closer));
        /* What can be closed is. */
        ck_assert(is_at_end(end));
        ck_assert_uint_eq(closer.threads, 1);
        /* It goes on by itself, and uses *closer. */
        open_gate();
        ck_assert_int_eq(pthread_join(lane->workers[0].thread, NULL), 0);
}
END_TEST

static atomic_bool was_held_up;

/* As if others had the processors for so long. */
static void hold_thread_up(int signal_number)
{
        (void)signal_number;
        poll(NULL, 0, CLOSER_STOP_SECONDS * 1000 + 200);
        atomic_store(&was_held_up, true);
}

START_TEST(stopping_waits_for_threads_that_have_nothing_to_close)
{
        const struct sigaction action = {.sa_handler = hold_thread_up};
        int end;

        push_pipe(1, &end);
        ck_assert(closer_settle(&closer, DEADLINE_MS));
        ck_assert_int_eq(sigaction(SIGRTMIN, &action, NULL), 0);
        ck_assert_int_eq(pthread_kill(lane->workers[0].thread, SIGRTMIN), 0);
        ck_assert(closer_stop(&closer));
        ck_assert(atomic_load(&was_held_up));
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

        while (pushed < 20 * CLOSER_LANE_MAX) {
                FdList list = {.count = 0};
                eventfd_t value;

                while (closer_room(&closer, lane) == 0) {
                        ck_assert(wait_readable(wake_fd, DEADLINE_MS));
                        eventfd_read(wake_fd, &value);
                }
                for (size_t i = 0; i <= pushed % FD_LIST_MAX; i++)
                        fd_list_add(&list, dup(wake_fd));
                pushed += list.count;
                closer_push(&closer, lane, &list);
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

TEST_SUITE(test_closer)
{
        TCase *queue = tcase_create("queue");
        TCase *few = tcase_create("few places");

        tcase_add_checked_fixture(queue, set_up, NULL);
        tcase_add_test(queue, what_is_pushed_is_closed);
        tcase_add_test(queue, what_was_stolen_from_the_list_is_not_closed);
        tcase_add_test(queue, no_foreign_descriptor_can_stall_the_loop);
        tcase_add_test(queue, lingering_sockets_do_not_hold_up_what_is_behind_them);
        tcase_add_test(queue, what_lingers_is_still_sent_to_the_last_byte);
        tcase_add_test(queue, who_waits_for_what_is_being_closed_is_told_when_it_is);
        tcase_add_test(queue, who_waits_is_told_without_another_push);
        tcase_add_test(queue, room_means_a_full_packet_and_who_asked_is_woken);
        tcase_add_test(queue, descriptors_still_in_use_have_their_places_and_are_pushed_into_them);
        tcase_add_test(queue, what_a_session_leaves_has_a_place_when_packets_have_none);
        tcase_add_test(queue, a_lane_grows_with_the_places_that_are_reserved_and_keeps_its_order);
        tcase_add_test(queue, what_does_not_close_is_left_to_its_thread_and_the_rest_is_closed);
        tcase_add_test(queue,
                       a_lane_has_eight_threads_at_most_and_goes_on_with_the_first_that_is_free);
        tcase_add_test(queue, it_goes_on_whatever_its_users_files_do);
        tcase_add_test(queue, a_lane_whose_thread_does_not_take_what_is_there_does_not_go_on);
        tcase_add_test(queue, nobody_waits_behind_another_users_descriptors);
        tcase_add_test(queue, eight_users_who_fill_their_places_leave_the_next_one_a_packet);
        tcase_add_test(queue,
                       connections_that_are_turned_away_have_a_lane_of_their_own_and_a_bound);
        tcase_add_test(queue, a_lane_goes_with_its_last_session_when_all_is_closed);
        tcase_add_test(queue, the_loop_is_woken_without_the_lock_that_it_needs_then);
        tcase_add_test(queue, patience_ends_with_the_work);
        tcase_add_test(queue, without_a_thread_it_is_closed_once_there_is_one);
        tcase_add_test(queue, who_did_not_ask_for_room_is_not_woken);
        tcase_add_test(queue, stopping_closes_what_is_queued);
        tcase_add_test(queue, stopping_does_not_wait_for_ever);
        tcase_add_test(queue, stopping_waits_for_threads_that_have_nothing_to_close);
        tcase_add_test(queue, the_ring_goes_round_and_closes_everything_once);
        tcase_add_test(queue, signals_are_left_to_the_loop);
        tcase_set_timeout(queue, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, queue);

        tcase_add_checked_fixture(few, set_up_few_places, NULL);
        tcase_add_test(few, with_few_places_one_user_leaves_room_for_another_and_all_are_bounded);
        tcase_set_timeout(few, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, few);
}
