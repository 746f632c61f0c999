/*
 * One message a second, with all times cut in half: a relayed handle and the daemon are woken by
 * the messages and by nothing else, since each shows that the daemon lives.
 */
#include "client/handle/io_driver_handle.h"
#include "core/clock.h"
#include "tests/support/client.h"
#include "tests/support/hostile_scene.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        ALIVE_MS = 1000,
        PERIOD_MS = 500,
        /* What may be lost of the quarter of a second that is left before it is asked. */
        LATE_MS = 100,
        MESSAGES = 6,
        /* Turns of the daemon's that the test's own question takes: one, or another to answer. */
        OWN_TURNS = 2,
        TRIES = 5,
};

static KyronIoDriverHandle *handle;
static KyronBridgedFd *reader;
static KyronOperation reading;
static int writer;
static char byte;
static _Atomic unsigned received;

/* Until it has to wait. */
static void read_on(void)
{
        while (kyron_bridged_fd_read(reader, &reading, &byte, 1) == 0)
                received++;
}

static void on_read(KyronOperation *operation)
{
        if (operation->result != 1)
                return; /* the end */
        received++;
        read_on();
}

static void set_up(void)
{
        KyronOptions options = {
                .alive_ms = ALIVE_MS,
                .delivery = KYRON_DELIVERY_RELAYED,
                .busy_poll_us = -1,
        };
        int ends[2];

        hostile_scene_set_up();
        options.socket_path = scene.daemon.socket_path;
        unsetenv("KYRON_ALIVE_MS");
        unsetenv("KYRON_DELIVERY");
        unsetenv("KYRON_BUSY_POLL_US");
        ck_assert_int_eq(kyron_io_driver_handle_open(&handle, &options), 0);
        pipe_pair(ends);
        writer = ends[1];
        ck_assert_int_eq(kyron_bridged_fd_new(&reader, handle, ends[0]), 0);
        kyron_operation_init(&reading, on_read, NULL);
        received = 0;
        read_on();
}

static void tear_down(void)
{
        kyron_bridged_fd_close(reader);
        kyron_io_driver_handle_close(handle);
        close(writer);
        hostile_scene_tear_down();
}

/* What has been counted so far. */
typedef struct Counts {
        uint32_t looks;   /* of the handle at what is ready: as often as it was woken */
        uint64_t packets; /* that it sent */
        uint64_t turns;   /* of the daemon's loop */
} Counts;

/* While process_io waits: what its thread writes is read when it has. */
static Counts count(void)
{
        Counts counts;

        pthread_mutex_lock(&handle->lock);
        counts.looks = handle->turns;
        counts.packets = handle->packets_sent;
        pthread_mutex_unlock(&handle->lock);
        counts.turns = raw_client_status(&scene.neighbour)->turns;
        return counts;
}

static void sleep_until_ns(uint64_t ns)
{
        const struct timespec time = {
                .tv_sec = (time_t)(ns / 1000000000),
                .tv_nsec = (long)(ns % 1000000000),
        };

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) != 0) {
        }
}

static uint64_t sent_ns; /* the last one */

static void send_message(void)
{
        const unsigned before = received;

        sent_ns = clock_now_ns();
        put_byte(writer);
        ck_assert(WAIT_UNTIL(received > before, DEADLINE_MS));
}

static bool is_late(uint64_t since_ns)
{
        return clock_now_ns() - since_ns > (PERIOD_MS + LATE_MS) * UINT64_C(1000000);
}

/* Sends so many, each a period after the one before. false: one came too late. */
static bool send_messages(unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                const uint64_t last_ns = sent_ns;

                sleep_until_ns(last_ns + PERIOD_MS * UINT64_C(1000000));
                send_message();
                if (is_late(last_ns))
                        return false;
        }
        return true;
}

static _Atomic bool is_over;

static void *run(void *data)
{
        (void)data;
        while (!is_over)
                ck_assert_int_ge(kyron_io_driver_handle_process_io(handle, -1), 0);
        return NULL;
}

/* What MESSAGES of them cost. false: some were late. */
static bool measure(Counts *out)
{
        Counts before, after;
        bool in_time;

        /* An answer may be on its way from before: it comes with the first, at the latest. */
        send_message();
        send_message();
        before = count();
        in_time = send_messages(MESSAGES);
        after = count();
        *out = (Counts){
                .looks = after.looks - before.looks,
                .packets = after.packets - before.packets,
                .turns = after.turns - before.turns,
        };
        return in_time && !is_late(sent_ns);
}

/* The same where they are in time, and where the daemon need not wait for the handle to be given a
 * processor: it looks more often then. false: that was never so. */
static bool measure_in_time(Counts *out)
{
        bool in_time = false;

        for (int i = 0; i < TRIES; i++) {
                if (!measure(out))
                        continue;
                in_time = true;
                if (out->packets > 0 || out->turns <= MESSAGES + OWN_TURNS)
                        return true;
        }
        return in_time;
}

START_TEST(a_message_a_second_wakes_nobody_but_for_itself)
{
        pthread_t thread;
        bool in_time;
        Counts counts;

        is_over = false;
        ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
        in_time = measure_in_time(&counts);
        is_over = true;
        kyron_io_driver_handle_wake(handle);
        pthread_join(thread, NULL);
        if (!in_time)
                SKIP_TEST("this machine is late by a tenth of a second each time");
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_BY_DAEMON);
        ck_assert_uint_eq(counts.packets, 0);
        ck_assert_uint_eq(counts.looks, MESSAGES);
        ck_assert_uint_le(counts.turns, MESSAGES + OWN_TURNS);
}
END_TEST

TEST_SUITE(test_few_messages)
{
        TCase *tcase = tcase_create("few messages");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, a_message_a_second_wakes_nobody_but_for_itself);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
