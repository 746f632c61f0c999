/*
 * A client that does not read its frames costs the daemon nothing, its neighbours nothing, and
 * itself no readiness: the kernel's ready list is the queue, and what piles up there coalesces.
 *
 * KYRON_TEST_SCALE=full: for a minute.
 */
#include "tests/support/client.h"
#include "tests/support/scale.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
        SOURCES = 300,
        ROUNDS = 5,
        /* Processor time of a daemon that lets these many events be: a sanitizer's own, if any. */
        BATCH = 20 * SOURCES,
        BATCH_CPU_MAX_NS = 50000,
        GROWTH_MAX_KIB = 64,
};

static TestDaemon kyron_iod;

/* The slow client's: it waits to read all of them. */
static KyronIoDriverHandle *slow;
static KyronBridgedFd *sources[SOURCES];
static TestCall calls[SOURCES];
static char bytes[SOURCES];
static int peers[SOURCES];
/* Made like them, but nobody waits for it. */
static int unwatched[2];

/* The neighbour's. */
static int round_trips;
static KyronIoDriverHandle *neighbour;
static KyronBridgedFd *echo;
static int echo_peer;

static void set_up(void)
{
        int ends[2];

        round_trips = scaled(20, 100, 200);
        test_daemon_start(&kyron_iod, NULL);
        slow = open_handle(&kyron_iod);
        neighbour = open_handle(&kyron_iod);
        for (size_t i = 0; i < SOURCES; i++) {
                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
                peers[i] = ends[1];
                test_call_init(&calls[i]);
                ck_assert_int_eq(kyron_bridged_fd_new(&sources[i], slow, ends[0]), 0);
                ck_assert_int_eq(
                        kyron_bridged_fd_read(sources[i], &calls[i].operation, &bytes[i], 1),
                        KYRON_PENDING);
        }
        process_all(slow);
        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, unwatched);
        tcp_pair(ends);
        echo_peer = ends[0];
        ck_assert_int_eq(kyron_bridged_fd_new(&echo, neighbour, ends[1]), 0);
}

static void tear_down(void)
{
        for (size_t i = 0; i < SOURCES; i++) {
                kyron_bridged_fd_close(sources[i]);
                close(peers[i]);
        }
        kyron_bridged_fd_close(echo);
        close(echo_peer);
        close(unwatched[0]);
        close(unwatched[1]);
        kyron_io_driver_handle_close(slow);
        kyron_io_driver_handle_close(neighbour);
        test_daemon_stop(&kyron_iod);
}

/* One event for each source, and another when the byte is gone and the next one comes. */
static void make_events(void)
{
        char byte;

        for (size_t i = 0; i < SOURCES; i++) {
                put_byte(peers[i]);
                ck_assert_int_eq(read(kyron_bridged_fd_fd(sources[i]), &byte, 1), 1);
        }
}

/* The same work without the events: what it costs the machine is not what they cost. */
static void make_no_events(void)
{
        char byte;

        for (size_t i = 0; i < SOURCES; i++) {
                put_byte(unwatched[1]);
                ck_assert_int_eq(read(unwatched[0], &byte, 1), 1);
        }
}

static void echo_once(void)
{
        TestCall call;
        char byte;

        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_read(echo, &call.operation, &byte, 1), KYRON_PENDING);
        process(neighbour, 0);
        put_byte(echo_peer);
        ck_assert(PROCESS_UNTIL(neighbour, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
        ck_assert_int_eq(kyron_bridged_fd_write(echo, &call.operation, &byte, 1), 0);
        ck_assert(wait_readable(echo_peer, DEADLINE_MS));
        ck_assert_int_eq(read(echo_peer, &byte, 1), 1);
}

/* The daemon's processor time for the neighbour's round trips with this in between. */
static uint64_t cpu_for_neighbour(void (*in_between)(void))
{
        uint64_t before = test_daemon_cpu_ns(&kyron_iod);

        for (int i = 0; i < round_trips; i++) {
                in_between();
                echo_once();
        }
        return test_daemon_cpu_ns(&kyron_iod) - before;
}

/* Makes events until the daemon has stopped listening to them: given time, it has used none. */
static void let_pile_up(void)
{
        uint64_t before;
        Deadline deadline = deadline_in(DEADLINE_MS);

        do {
                ck_assert_int_gt(deadline_left(deadline), 0);
                before = test_daemon_cpu_ns(&kyron_iod);
                for (int i = 0; i < BATCH / SOURCES; i++)
                        make_events();
                nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        } while (test_daemon_cpu_ns(&kyron_iod) - before > BATCH_CPU_MAX_NS);
}

START_TEST(a_slow_client_costs_the_daemon_nothing)
{
        Deadline end = deadline_in(scaled(0, 0, 60000));
        uint64_t events = 0, before, used;
        size_t resident, resident_after;

        let_pile_up();
        resident = test_daemon_resident_kib(&kyron_iod);
        before = test_daemon_cpu_ns(&kyron_iod);
        do {
                for (int i = 0; i < 300; i++)
                        make_events();
                events += 300 * SOURCES;
        } while (deadline_left(end) > 0);
        used = test_daemon_cpu_ns(&kyron_iod) - before;
        resident_after = test_daemon_resident_kib(&kyron_iod);
        printf("%llu events unread: daemon used %llu us, and has %zu KiB (%zu before)\n",
               (unsigned long long)events, (unsigned long long)used / 1000, resident_after,
               resident);
        ck_assert_uint_le(used, events * (unsigned)scaled(100, 20, 20));
        ck_assert_uint_le(resident_after, resident + GROWTH_MAX_KIB);
}
END_TEST

START_TEST(a_slow_client_costs_its_neighbour_nothing)
{
        uint64_t alone = UINT64_MAX, beside = UINT64_MAX;

        echo_once();
        let_pile_up();
        /* The best of several, in turn: whatever else the machine does costs both. */
        for (int i = 0; i < ROUNDS; i++) {
                uint64_t without = cpu_for_neighbour(make_no_events);
                uint64_t with = cpu_for_neighbour(make_events);

                alone = without < alone ? without : alone;
                beside = with < beside ? with : beside;
        }
        printf("%d round trips: %llu us of the daemon's time, beside a slow client %llu us\n",
               round_trips, (unsigned long long)alone / 1000, (unsigned long long)beside / 1000);
        /* Noise, and what a busy machine adds; to serve the events would cost more. */
        ck_assert_uint_le(beside, alone * 2 + (uint64_t)round_trips * SOURCES *
                                                      (unsigned)scaled(500, 50, 50));
}
END_TEST

START_TEST(a_slow_client_learns_everything_that_is_ready_when_it_reads_again)
{
        let_pile_up();
        for (int i = 0; i < 50; i++)
                make_events();
        for (size_t i = 0; i < SOURCES; i += 3)
                put_byte(peers[i]);
        process_all(slow);
        for (size_t i = 0; i < SOURCES; i++) {
                ck_assert_msg(calls[i].completions == (i % 3 == 0), "source %zu: %d completions", i,
                              calls[i].completions);
                if (i % 3 == 0)
                        ck_assert_int_eq(calls[i].result, 1);
        }

        /* And goes on as before. */
        for (size_t i = 0; i < SOURCES; i++) {
                if (i % 3 != 0)
                        put_byte(peers[i]);
        }
        for (size_t i = 0; i < SOURCES; i++)
                ck_assert(PROCESS_UNTIL(slow, calls[i].completions == 1));
}
END_TEST

START_TEST(a_slow_client_can_still_register_and_close)
{
        KyronBridgedFd *late;
        TestCall call;
        char byte;
        int ends[2];

        let_pile_up();
        kyron_bridged_fd_close(sources[0]);
        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_new(&late, slow, ends[0]), 0);
        ck_assert_int_eq(kyron_bridged_fd_read(late, &call.operation, &byte, 1), KYRON_PENDING);
        put_byte(ends[1]);
        ck_assert(PROCESS_UNTIL(slow, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
        ck_assert(PROCESS_UNTIL(slow, calls[0].completions == 1));
        ck_assert_int_eq(calls[0].result, -ECANCELED);
        kyron_bridged_fd_close(late);
        close(ends[1]);
        sources[0] = NULL;
}
END_TEST

TEST_SUITE(test_slow_client)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, 3 * TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_test(all, a_slow_client_costs_the_daemon_nothing);
        tcase_add_test(all, a_slow_client_costs_its_neighbour_nothing);
        tcase_add_test(all, a_slow_client_learns_everything_that_is_ready_when_it_reads_again);
        tcase_add_test(all, a_slow_client_can_still_register_and_close);
        suite_add_tcase(suite, all);
}
