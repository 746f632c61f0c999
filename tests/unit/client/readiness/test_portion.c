/*
 * A descriptor that is always ready, and whoever goes on with it as long as it need not wait: the
 * others have their turn all the same.
 */
#include "client/readiness/portion.h"

#include "client/handle/io_driver_handle.h"
#include "client/readiness/bridged_fd.h"
#include "tests/support/client.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
        /* More than this without a wait, and nobody else has a turn. */
        TOO_MANY = 100000,
};

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;

/* What is always ready. */
typedef struct Busy {
        KyronBridgedFd *bridged_fd;
        KyronOperation operation;
        ssize_t result; /* of each time */
        int at_once;    /* in a row, without a wait */
        int done;
        int completions;
        bool stop;
} Busy;

static Busy busy;

static KyronBridgedFd *make_ready(void)
{
        KyronBridgedFd *bridged_fd;
        int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

        ck_assert_int_eq(kyron_bridged_fd_new(&bridged_fd, handle, fd), 0);
        return bridged_fd;
}

static ssize_t never_waits(int borrow_fd, KyronOperation *operation)
{
        const Busy *of = operation->user;

        (void)borrow_fd;
        return of->result;
}

static int start(Busy *of)
{
        return kyron_bridged_fd_async_call(of->bridged_fd, &of->operation, KYRON_READABLE,
                                           never_waits);
}

/* As the manual's example does it. */
static int go_on(Busy *of)
{
        int r = 0;

        for (of->at_once = 0; r == 0 && of->at_once < TOO_MANY && !of->stop; of->at_once++) {
                r = start(of);
                of->done += r == 0;
        }
        ck_assert_int_ge(r, 0);
        return r;
}

static void on_busy(KyronOperation *operation)
{
        Busy *of = operation->user;

        of->completions++;
        if (operation->result < 0)
                return; /* closed */
        of->done++;
        go_on(of);
}

static void busy_init(Busy *of)
{
        *of = (Busy){.bridged_fd = make_ready(), .result = 1};
        kyron_operation_init(&of->operation, on_busy, of);
}

static void busy_close(Busy *of)
{
        of->stop = true;
        kyron_bridged_fd_close(of->bridged_fd);
}

static void set_up(void)
{
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        busy_init(&busy);
}

static void tear_down(void)
{
        busy_close(&busy);
        process(handle, 0);
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
}

START_TEST(whoever_goes_on_has_to_wait_after_its_portion)
{
        ck_assert_int_eq(go_on(&busy), KYRON_PENDING);
        ck_assert_int_eq(busy.done, PORTION_MAX);
        /* And goes on in the next turn, without waiting for anything: again so far. */
        for (int turn = 1; turn <= 5; turn++) {
                ck_assert_int_ge(process(handle, -1), 1);
                ck_assert_int_le(busy.at_once, PORTION_MAX + 1);
        }
        ck_assert_int_ge(busy.done, 5 * PORTION_MAX);
}
END_TEST

START_TEST(others_have_their_turn_meanwhile)
{
        KyronBridgedFd *reader;
        TestCall call;
        int ends[2];
        char byte;

        pipe_pair(ends);
        ck_assert_int_eq(kyron_bridged_fd_new(&reader, handle, ends[0]), 0);
        go_on(&busy);
        for (int i = 0; i < 10; i++) {
                test_call_init(&call);
                ck_assert_int_eq(kyron_bridged_fd_read(reader, &call.operation, &byte, 1),
                                 KYRON_PENDING);
                put_byte(ends[1]);
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
                ck_assert_int_lt(busy.at_once, TOO_MANY);
        }
        kyron_bridged_fd_close(reader);
        close(ends[1]);
}
END_TEST

START_TEST(each_descriptor_has_a_portion_of_its_own)
{
        static Busy others[20];

        for (int i = 0; i < 20; i++)
                busy_init(&others[i]);
        for (int i = 0; i < 20; i++) {
                ck_assert_int_eq(go_on(&others[i]), KYRON_PENDING);
                ck_assert_int_eq(others[i].done, PORTION_MAX);
        }
        for (int turn = 0; turn < 3; turn++)
                ck_assert_int_ge(process(handle, 0), 20);
        for (int i = 0; i < 20; i++) {
                ck_assert_int_ge(others[i].done, 3 * PORTION_MAX);
                busy_close(&others[i]);
        }
}
END_TEST

START_TEST(many_bytes_are_much)
{
        busy.result = 4 * PORTION_BYTES;
        ck_assert_int_eq(go_on(&busy), KYRON_PENDING);
        ck_assert_int_le(busy.done, PORTION_MAX / 4);
        ck_assert_int_ge(busy.done, PORTION_MAX / 6);
        ck_assert_int_eq(kyron_operation_cancel(&busy.operation), 0);
        process(handle, 0);
        /* Whatever a function says. */
        busy.done = 0;
        busy.result = SSIZE_MAX;
        ck_assert_int_eq(go_on(&busy), KYRON_PENDING);
        ck_assert_int_eq(busy.done, 1);
}
END_TEST

static int order[4], ordered;

static void note_order(KyronOperation *operation)
{
        order[ordered++] = *(int *)operation->user;
}

static ssize_t succeeds(int borrow_fd, KyronOperation *operation)
{
        (void)borrow_fd;
        (void)operation;
        return 0;
}

START_TEST(what_has_to_wait_for_its_turn_keeps_its_order)
{
        KyronOperation operations[4];
        int numbers[] = {0, 1, 2, 3};

        busy.stop = false;
        go_on(&busy);
        ck_assert_int_eq(kyron_operation_cancel(&busy.operation), 0);
        for (int i = 0; i < 4; i++) {
                kyron_operation_init(&operations[i], note_order, &numbers[i]);
                ck_assert_int_eq(kyron_bridged_fd_async_call(
                                         busy.bridged_fd, &operations[i],
                                         i % 2 ? KYRON_WRITABLE : KYRON_READABLE, succeeds),
                                 KYRON_PENDING);
        }
        process(handle, 0);
        ck_assert_int_eq(ordered, 4);
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(order[i], i);
}
END_TEST

START_TEST(it_can_be_cancelled_and_closed_like_any_that_waits)
{
        static Busy other;
        TestCall call;

        go_on(&busy);
        ck_assert_int_eq(kyron_operation_cancel(&busy.operation), 0);
        ck_assert_int_eq(kyron_operation_cancel(&busy.operation), -EALREADY);
        process(handle, 0);
        ck_assert_int_eq(busy.completions, 0);

        busy_init(&other);
        go_on(&other);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_async_call(other.bridged_fd, &call.operation,
                                                     KYRON_READABLE, succeeds),
                         KYRON_PENDING);
        busy_close(&other);
        process(handle, 0);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, -ECANCELED);
        ck_assert_int_eq(other.operation.result, -ECANCELED);
}
END_TEST

START_TEST(no_event_is_lost_by_it)
{
        TestCall call;
        uint64_t value;

        go_on(&busy);
        ck_assert_int_eq(kyron_operation_cancel(&busy.operation), 0);
        /* What is there is read, though it had to wait for its turn; and what comes is awaited. */
        for (int i = 0; i < 3; i++) {
                int r;

                test_call_init(&call);
                r = kyron_bridged_fd_read(busy.bridged_fd, &call.operation, &value, sizeof(value));
                ck_assert_int_eq(r, KYRON_PENDING);
                if (i > 0) {
                        process_all(handle);
                        ck_assert_int_eq(call.completions, 0);
                        eventfd_write(kyron_bridged_fd_fd(busy.bridged_fd), 1);
                }
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
                ck_assert_int_eq(call.result, sizeof(value));
        }
}
END_TEST

START_TEST(another_loop_is_told_to_come_back)
{
        int fd = kyron_io_driver_handle_fd(handle);

        process(handle, 0);
        ck_assert(!wait_readable(fd, 0));
        go_on(&busy);
        for (int i = 0; i < 3; i++) {
                ck_assert(wait_readable(fd, 0));
                ck_assert_int_ge(process(handle, 0), 1);
        }
}
END_TEST

/* ---- In poll form -------------------------------------------------------------------------- */

static int wakes;

static void count_wake(KyronWaker *waker)
{
        (void)waker;
        wakes++;
}

static int request_until_pending(KyronWaker *waker)
{
        KyronReadyEvent event;
        int count = 0;

        while (count < TOO_MANY && kyron_async_registration_request_readiness(
                                           kyron_bridged_fd_registration(busy.bridged_fd),
                                           KYRON_READABLE, waker, &event) == 0)
                count++;
        return count;
}

START_TEST(who_asks_for_readiness_is_woken_in_the_next_turn)
{
        KyronWaker waker = {.wake = count_wake};

        for (int turn = 1; turn <= 3; turn++) {
                ck_assert_int_eq(request_until_pending(&waker), PORTION_MAX);
                ck_assert_int_eq(process(handle, -1), 1);
                ck_assert_int_eq(wakes, turn);
        }
        request_until_pending(&waker);
        ck_assert_int_eq(kyron_async_registration_cancel(
                                 kyron_bridged_fd_registration(busy.bridged_fd), &waker),
                         0);
        process(handle, 0);
        ck_assert_int_eq(wakes, 3);
}
END_TEST

/* ---- Beside who takes the turns ------------------------------------------------------------ */

static atomic_bool stop_driving;

static void *drive(void *unused)
{
        while (!stop_driving)
                process(handle, -1);
        return unused;
}

START_TEST(a_thread_beside_goes_on_as_long_as_it_likes)
{
        pthread_t thread;

        ck_assert_int_eq(pthread_create(&thread, NULL, drive, NULL), 0);
        ck_assert(WAIT_UNTIL(atomic_load(&handle->driver) != 0, DEADLINE_MS));
        for (int i = 0; i < 10 * PORTION_MAX; i++)
                ck_assert_int_eq(start(&busy), 0);
        stop_driving = true;
        kyron_io_driver_handle_wake(handle);
        pthread_join(thread, NULL);
}
END_TEST

TEST_SUITE(test_portion)
{
        TCase *tcase = tcase_create("portion");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, whoever_goes_on_has_to_wait_after_its_portion);
        tcase_add_test(tcase, others_have_their_turn_meanwhile);
        tcase_add_test(tcase, each_descriptor_has_a_portion_of_its_own);
        tcase_add_test(tcase, many_bytes_are_much);
        tcase_add_test(tcase, what_has_to_wait_for_its_turn_keeps_its_order);
        tcase_add_test(tcase, it_can_be_cancelled_and_closed_like_any_that_waits);
        tcase_add_test(tcase, no_event_is_lost_by_it);
        tcase_add_test(tcase, another_loop_is_told_to_come_back);
        tcase_add_test(tcase, who_asks_for_readiness_is_woken_in_the_next_turn);
        tcase_add_test(tcase, a_thread_beside_goes_on_as_long_as_it_likes);
        suite_add_tcase(suite, tcase);
}
