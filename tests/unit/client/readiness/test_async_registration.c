/* Readiness in poll form: what may be asked for, who is woken, and that no event is lost. */
#include "client/readiness/async_registration.h"
#include "tests/support/client.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static KyronAsyncRegistration *registration;
static KyronReadyEvent event;
static int ends[2]; /* [0] is registered */

typedef struct TestWaker {
        KyronWaker waker;
        int wakes;
} TestWaker;

static void count_wake(KyronWaker *waker)
{
        ((TestWaker *)waker->user)->wakes++;
}

static void waker_init(TestWaker *waker)
{
        *waker = (TestWaker){.waker = {.wake = count_wake, .user = waker}};
}

static void set_up(void)
{
        test_daemon_start(&kyron_iod, NULL);
        handle = open_handle(&kyron_iod);
        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        ck_assert_int_eq(kyron_async_registration_new(&registration, handle, ends[0]), 0);
}

static void tear_down(void)
{
        ck_assert(PROCESS_UNTIL(handle, kyron_async_registration_remove(registration) == 0));
        kyron_io_driver_handle_close(handle);
        close(ends[0]);
        close(ends[1]);
        test_daemon_stop(&kyron_iod);
}

static int request(uint16_t interest, TestWaker *waker)
{
        return kyron_async_registration_request_readiness(registration, interest, &waker->waker,
                                                          &event);
}

/* As after EAGAIN. */
static void clear(uint16_t interest)
{
        TestWaker unused;

        waker_init(&unused);
        ck_assert_int_eq(request(interest, &unused), 0);
        kyron_async_registration_clear_readiness(registration, &event, interest);
}

START_TEST(a_new_registration_is_ready_for_everything)
{
        TestWaker waker;

        waker_init(&waker);
        ck_assert_int_eq(request(KYRON_READABLE, &waker), 0);
        ck_assert_uint_eq(event.readiness, KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_WRITABLE | KYRON_PRIORITY, &waker), 0);
        ck_assert_uint_eq(event.readiness, KYRON_WRITABLE | KYRON_PRIORITY);
}
END_TEST

START_TEST(an_interest_that_cannot_be_asked_for_is_refused)
{
        TestWaker waker;

        waker_init(&waker);
        ck_assert_int_eq(request(0, &waker), -EINVAL);
        ck_assert_int_eq(request(KYRON_ERROR, &waker), -EINVAL);
        ck_assert_int_eq(request(KYRON_READABLE | KYRON_READ_CLOSED, &waker), -EINVAL);
        ck_assert_int_eq(request(1 << 6, &waker), -EINVAL);
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "0x40"));
}
END_TEST

START_TEST(what_was_cleared_has_to_be_waited_for)
{
        TestWaker waker;

        waker_init(&waker);
        clear(KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &waker), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(waker.wakes, 0);
        put_byte(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, waker.wakes == 1));
        ck_assert_int_eq(request(KYRON_READABLE, &waker), 0);
        ck_assert_uint_eq(event.readiness, KYRON_READABLE);
}
END_TEST

START_TEST(what_was_ready_before_registering_is_told)
{
        TestWaker waker;

        waker_init(&waker);
        put_byte(ends[1]);
        clear(KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &waker), KYRON_PENDING);
        ck_assert(PROCESS_UNTIL(handle, waker.wakes == 1));
}
END_TEST

START_TEST(clearing_one_interest_keeps_the_others)
{
        TestWaker waker;

        waker_init(&waker);
        clear(KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_WRITABLE, &waker), 0);
        ck_assert_int_eq(request(KYRON_READABLE | KYRON_WRITABLE, &waker), 0);
        ck_assert_uint_eq(event.readiness, KYRON_WRITABLE);
}
END_TEST

START_TEST(an_event_since_the_tick_that_was_seen_is_not_cleared)
{
        KyronReadyEvent seen;
        TestWaker waker;

        waker_init(&waker);
        clear(KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &waker), KYRON_PENDING);
        put_byte(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, waker.wakes == 1));
        ck_assert_int_eq(request(KYRON_READABLE, &waker), 0);
        seen = event;
        /* read, EAGAIN — and before that is said, the next event comes. */
        drain(ends[0]);
        put_byte(ends[1]);
        process_all(handle);
        kyron_async_registration_clear_readiness(registration, &seen, KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &waker), 0);
        ck_assert_uint_gt(event.tick, seen.tick);
        /* Said of the event that came, it is. */
        kyron_async_registration_clear_readiness(registration, &event, KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &waker), KYRON_PENDING);
        ck_assert_int_eq(kyron_async_registration_cancel(registration, &waker.waker), 0);
}
END_TEST

START_TEST(every_edge_is_told)
{
        TestWaker waker;

        waker_init(&waker);
        for (int i = 1; i <= 200; i++) {
                clear(KYRON_READABLE);
                ck_assert_int_eq(request(KYRON_READABLE, &waker), KYRON_PENDING);
                put_byte(ends[1]);
                ck_assert(PROCESS_UNTIL(handle, waker.wakes == i));
                ck_assert_uint_eq(drain(ends[0]), 1);
        }
}
END_TEST

START_TEST(many_wakers_wait_on_one_registration)
{
        TestWaker wakers[50], writer;

        clear(KYRON_READABLE);
        fill(ends[0]);
        clear(KYRON_WRITABLE);
        waker_init(&writer);
        ck_assert_int_eq(request(KYRON_WRITABLE, &writer), KYRON_PENDING);
        for (int i = 0; i < 50; i++) {
                waker_init(&wakers[i]);
                ck_assert_int_eq(request(KYRON_READABLE, &wakers[i]), KYRON_PENDING);
        }
        process_all(handle);
        put_byte(ends[1]);
        for (int i = 0; i < 50; i++) {
                ck_assert(PROCESS_UNTIL(handle, wakers[i].wakes > 0));
                ck_assert_int_eq(wakers[i].wakes, 1);
        }
        ck_assert_int_eq(writer.wakes, 0);
        drain(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, writer.wakes == 1));
}
END_TEST

START_TEST(a_waker_that_waits_cannot_wait_twice)
{
        TestWaker waker;

        waker_init(&waker);
        clear(KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &waker), KYRON_PENDING);
        ck_assert_int_eq(request(KYRON_READABLE, &waker), -EBUSY);
        ck_assert_int_eq(kyron_async_registration_cancel(registration, &waker.waker), 0);
}
END_TEST

static void request_again(KyronWaker *waker)
{
        TestWaker *test = waker->user;

        test->wakes++;
        drain(ends[0]);
        clear(KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, test), KYRON_PENDING);
}

START_TEST(a_waker_may_request_again_when_it_is_called)
{
        TestWaker waker = {.waker = {.wake = request_again, .user = &waker}};

        clear(KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &waker), KYRON_PENDING);
        for (int i = 1; i <= 20; i++) {
                put_byte(ends[1]);
                ck_assert(PROCESS_UNTIL(handle, waker.wakes == i));
        }
        ck_assert_int_eq(kyron_async_registration_cancel(registration, &waker.waker), 0);
}
END_TEST

START_TEST(a_cancelled_waker_is_not_called)
{
        TestWaker cancelled, other;

        waker_init(&cancelled);
        waker_init(&other);
        clear(KYRON_READABLE);
        ck_assert_int_eq(kyron_async_registration_cancel(registration, &cancelled.waker),
                         -EALREADY);
        ck_assert_int_eq(request(KYRON_READABLE, &cancelled), KYRON_PENDING);
        ck_assert_int_eq(request(KYRON_READABLE, &other), KYRON_PENDING);
        ck_assert_int_eq(kyron_async_registration_cancel(registration, &cancelled.waker), 0);
        ck_assert_int_eq(kyron_async_registration_cancel(registration, &cancelled.waker),
                         -EALREADY);
        put_byte(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, other.wakes == 1));
        ck_assert_int_eq(cancelled.wakes, 0);
        ck_assert_int_eq(kyron_async_registration_cancel(registration, &other.waker), -EALREADY);
}
END_TEST

static TestWaker first, second;

static void cancel_the_other(KyronWaker *waker)
{
        TestWaker *other = waker == &first.waker ? &second : &first;

        ((TestWaker *)waker->user)->wakes++;
        ck_assert_int_eq(kyron_async_registration_cancel(registration, &other->waker), 0);
}

START_TEST(a_woken_waker_can_still_be_cancelled_by_one_that_runs_before_it)
{
        first = (TestWaker){.waker = {.wake = cancel_the_other, .user = &first}};
        second = (TestWaker){.waker = {.wake = cancel_the_other, .user = &second}};
        clear(KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &first), KYRON_PENDING);
        ck_assert_int_eq(request(KYRON_READABLE, &second), KYRON_PENDING);
        put_byte(ends[1]);
        process_all(handle);
        ck_assert_int_eq(first.wakes + second.wakes, 1);
}
END_TEST

START_TEST(the_other_sides_end_wakes_and_stays)
{
        TestWaker reader, writer;

        waker_init(&reader);
        waker_init(&writer);
        fill(ends[0]);
        clear(KYRON_READABLE);
        clear(KYRON_WRITABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &reader), KYRON_PENDING);
        ck_assert_int_eq(request(KYRON_WRITABLE, &writer), KYRON_PENDING);
        close(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, reader.wakes == 1 && writer.wakes == 1));
        ck_assert_int_eq(request(KYRON_READABLE, &reader), 0);
        ck_assert_uint_ne(event.readiness & KYRON_READ_CLOSED, 0);
        ck_assert_int_eq(request(KYRON_WRITABLE, &writer), 0);
        ck_assert_uint_ne(event.readiness & KYRON_WRITE_CLOSED, 0);
        ends[1] = dup(ends[0]);
}
END_TEST

START_TEST(half_an_end_wakes_readers_only)
{
        TestWaker reader, writer;

        waker_init(&reader);
        waker_init(&writer);
        fill(ends[0]);
        clear(KYRON_READABLE);
        clear(KYRON_WRITABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &reader), KYRON_PENDING);
        ck_assert_int_eq(request(KYRON_WRITABLE, &writer), KYRON_PENDING);
        ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
        ck_assert(PROCESS_UNTIL(handle, reader.wakes == 1));
        process_all(handle);
        ck_assert_int_eq(writer.wakes, 0);
        ck_assert_int_eq(kyron_async_registration_cancel(registration, &writer.waker), 0);
}
END_TEST

START_TEST(out_of_band_data_is_priority)
{
        KyronAsyncRegistration *stream;
        TestWaker waker;
        int tcp[2];

        tcp_pair(tcp);
        waker_init(&waker);
        ck_assert_int_eq(kyron_async_registration_new(&stream, handle, tcp[0]), 0);
        ck_assert_int_eq(kyron_async_registration_request_readiness(stream, KYRON_PRIORITY,
                                                                    &waker.waker, &event),
                         0);
        kyron_async_registration_clear_readiness(stream, &event, KYRON_PRIORITY);
        ck_assert_int_eq(kyron_async_registration_request_readiness(stream, KYRON_PRIORITY,
                                                                    &waker.waker, &event),
                         KYRON_PENDING);
        put_byte(tcp[1]);
        process_all(handle);
        ck_assert_int_eq(waker.wakes, 0);
        ck_assert_int_eq(send(tcp[1], "!", 1, MSG_OOB), 1);
        ck_assert(PROCESS_UNTIL(handle, waker.wakes == 1));
        ck_assert(PROCESS_UNTIL(handle, kyron_async_registration_remove(stream) == 0));
        close(tcp[0]);
        close(tcp[1]);
}
END_TEST

START_TEST(a_wider_interest_is_added_to_a_registration)
{
        TestWaker reader, writer;

        waker_init(&reader);
        waker_init(&writer);
        clear(KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &reader), KYRON_PENDING);
        process_all(handle);
        fill(ends[0]);
        clear(KYRON_WRITABLE);
        ck_assert_int_eq(request(KYRON_WRITABLE, &writer), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(writer.wakes, 0);
        drain(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, writer.wakes == 1));
        ck_assert_int_eq(reader.wakes, 0);
        put_byte(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, reader.wakes == 1));
}
END_TEST

/* ---- Removing ------------------------------------------------------------------------------ */

START_TEST(removing_cancels_without_a_call)
{
        TestWaker waker;

        waker_init(&waker);
        clear(KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &waker), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(kyron_async_registration_remove(registration), 0);
        put_byte(ends[1]);
        process_all(handle);
        ck_assert_int_eq(waker.wakes, 0);
        ck_assert_int_eq(kyron_async_registration_new(&registration, handle, ends[0]), 0);
}
END_TEST

START_TEST(a_removed_descriptor_may_be_registered_again)
{
        TestWaker waker;

        for (int i = 1; i <= 20; i++) {
                waker_init(&waker);
                clear(KYRON_READABLE);
                ck_assert_int_eq(request(KYRON_READABLE, &waker), KYRON_PENDING);
                if (i % 2)
                        process_all(handle);
                else
                        process(handle, 0);
                ck_assert(
                        PROCESS_UNTIL(handle, kyron_async_registration_remove(registration) == 0));
                ck_assert_int_eq(kyron_async_registration_new(&registration, handle, ends[0]), 0);
        }
        waker_init(&waker);
        clear(KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &waker), KYRON_PENDING);
        put_byte(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, waker.wakes == 1));
}
END_TEST

START_TEST(removing_nothing_is_allowed)
{
        ck_assert_int_eq(kyron_async_registration_remove(NULL), 0);
}
END_TEST

START_TEST(removing_waits_for_a_daemon_that_does_not_read)
{
        /* More packets than its socket holds. */
        enum { OTHERS = 1000 };
        static KyronAsyncRegistration *others[OTHERS];
        static TestWaker wakers[OTHERS];
        static int pipes[OTHERS][2];

        unlimit_descriptors();
        test_daemon_pause(&kyron_iod);
        for (int i = 0; i < OTHERS; i++) {
                KyronWaker *waker = &wakers[i].waker;

                pipe_pair(pipes[i]);
                waker_init(&wakers[i]);
                ck_assert_int_eq(kyron_async_registration_new(&others[i], handle, pipes[i][0]), 0);
                ck_assert_int_eq(kyron_async_registration_request_readiness(
                                         others[i], KYRON_READABLE, waker, &event),
                                 0);
                kyron_async_registration_clear_readiness(others[i], &event, KYRON_READABLE);
                ck_assert_int_eq(kyron_async_registration_request_readiness(
                                         others[i], KYRON_READABLE, waker, &event),
                                 KYRON_PENDING);
                process(handle, 0);
        }
        ck_assert_int_eq(kyron_async_registration_remove(others[0]), -EAGAIN);
        /* It is still there. */
        test_daemon_resume(&kyron_iod);
        put_byte(pipes[0][1]);
        ck_assert(PROCESS_UNTIL(handle, wakers[0].wakes == 1));
        for (int i = 0; i < OTHERS; i++) {
                ck_assert(PROCESS_UNTIL(handle, kyron_async_registration_remove(others[i]) == 0));
                close(pipes[i][0]);
                close(pipes[i][1]);
        }
}
END_TEST

/* ---- Refused ------------------------------------------------------------------------------- */

/* Registers a descriptor the daemon does not take, and returns what the next request says. */
static int refuse(int borrow_fd)
{
        KyronAsyncRegistration *refused;
        TestWaker waker;
        int r;

        waker_init(&waker);
        ck_assert_int_eq(kyron_async_registration_new(&refused, handle, borrow_fd), 0);
        r = kyron_async_registration_request_readiness(refused, KYRON_READABLE, &waker.waker,
                                                       &event);
        ck_assert_int_eq(r, 0);
        kyron_async_registration_clear_readiness(refused, &event, KYRON_READABLE);
        r = kyron_async_registration_request_readiness(refused, KYRON_READABLE, &waker.waker,
                                                       &event);
        ck_assert_int_eq(r, KYRON_PENDING);
        ck_assert(PROCESS_UNTIL(handle, waker.wakes == 1));
        r = kyron_async_registration_request_readiness(refused, KYRON_READABLE, &waker.waker,
                                                       &event);
        ck_assert_int_eq(kyron_async_registration_remove(refused), 0);
        return r;
}

START_TEST(a_regular_file_is_refused)
{
        int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

        ck_assert_int_eq(refuse(fd), -EPERM);
        close(fd);
}
END_TEST

START_TEST(a_directory_is_refused)
{
        int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        ck_assert_int_eq(refuse(fd), -EPERM);
        close(fd);
}
END_TEST

START_TEST(a_descriptor_that_is_only_a_path_is_refused)
{
        int fd = open("/", O_PATH | O_CLOEXEC);

        ck_assert_int_eq(refuse(fd), -EBADF);
        close(fd);
}
END_TEST

START_TEST(the_same_file_twice_is_refused)
{
        TestWaker waker;
        int copy = dup(ends[0]);

        waker_init(&waker);
        clear(KYRON_READABLE);
        ck_assert_int_eq(request(KYRON_READABLE, &waker), KYRON_PENDING);
        process_all(handle);
        ck_assert_int_eq(refuse(copy), -EEXIST);
        /* The first one goes on. */
        put_byte(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, waker.wakes == 1));
        close(copy);
}
END_TEST

static char sentence[ERROR_TEXT_MAX];

static void keep_sentence(KyronWaker *waker)
{
        KyronReadyEvent unused;

        ((TestWaker *)waker->user)->wakes++;
        ck_assert_int_lt(kyron_async_registration_request_readiness(waker->internal.registration,
                                                                    KYRON_READABLE, waker, &unused),
                         0);
        strcpy(sentence, kyron_error_text());
}

START_TEST(a_refusal_has_the_daemons_sentence)
{
        KyronAsyncRegistration *refused;
        TestWaker waker = {.waker = {.wake = keep_sentence, .user = &waker}};
        int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        ck_assert_int_eq(kyron_async_registration_new(&refused, handle, fd), 0);
        ck_assert_int_eq(kyron_async_registration_request_readiness(refused, KYRON_READABLE,
                                                                    &waker.waker, &event),
                         0);
        kyron_async_registration_clear_readiness(refused, &event, KYRON_READABLE);
        ck_assert_int_eq(kyron_async_registration_request_readiness(refused, KYRON_READABLE,
                                                                    &waker.waker, &event),
                         KYRON_PENDING);
        ck_assert(PROCESS_UNTIL(handle, waker.wakes == 1));
        ck_assert_msg(strstr(sentence, "director") != NULL, "it says: %s", sentence);
        ck_assert_int_eq(kyron_async_registration_remove(refused), 0);
        close(fd);
}
END_TEST

START_TEST(past_the_sessions_limit_registrations_are_refused)
{
        const char *const options[] = {"--max-registrations-per-session", "3", NULL};
        KyronBridgedFd *bridged_fds[4];
        KyronIoDriverHandle *small;
        TestDaemon limited;
        TestCall calls[4];
        char byte;

        test_daemon_start(&limited, options);
        small = open_handle(&limited);
        for (int i = 0; i < 4; i++) {
                int pipe[2];

                pipe_pair(pipe);
                test_call_init(&calls[i]);
                ck_assert_int_eq(kyron_bridged_fd_new(&bridged_fds[i], small, pipe[0]), 0);
                ck_assert_int_eq(
                        kyron_bridged_fd_read(bridged_fds[i], &calls[i].operation, &byte, 1),
                        i < 3 ? KYRON_PENDING : -EDQUOT);
        }
        ck_assert_ptr_nonnull(strstr(kyron_error_text(), "3"));
        /* One closed makes room for the next, before the daemon has heard of it. */
        kyron_bridged_fd_close(bridged_fds[0]);
        ck_assert_int_eq(kyron_bridged_fd_read(bridged_fds[3], &calls[3].operation, &byte, 1),
                         KYRON_PENDING);
        process(small, 0);
        ck_assert_int_eq(calls[0].result, -ECANCELED);
        for (int i = 1; i < 4; i++)
                kyron_bridged_fd_close(bridged_fds[i]);
        process(small, 0);
        for (int i = 1; i < 4; i++)
                ck_assert_int_eq(calls[i].result, -ECANCELED);
        kyron_io_driver_handle_close(small);
        test_daemon_stop(&limited);
}
END_TEST

TEST_SUITE(test_async_registration)
{
        TCase *waiting = tcase_create("waiting");
        TCase *removing = tcase_create("removing");
        TCase *refused = tcase_create("refused");

        tcase_set_timeout(waiting, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(waiting, set_up, tear_down);
        tcase_add_test(waiting, a_new_registration_is_ready_for_everything);
        tcase_add_test(waiting, an_interest_that_cannot_be_asked_for_is_refused);
        tcase_add_test(waiting, what_was_cleared_has_to_be_waited_for);
        tcase_add_test(waiting, what_was_ready_before_registering_is_told);
        tcase_add_test(waiting, clearing_one_interest_keeps_the_others);
        tcase_add_test(waiting, an_event_since_the_tick_that_was_seen_is_not_cleared);
        tcase_add_test(waiting, every_edge_is_told);
        tcase_add_test(waiting, many_wakers_wait_on_one_registration);
        tcase_add_test(waiting, a_waker_that_waits_cannot_wait_twice);
        tcase_add_test(waiting, a_waker_may_request_again_when_it_is_called);
        tcase_add_test(waiting, a_cancelled_waker_is_not_called);
        tcase_add_test(waiting, a_woken_waker_can_still_be_cancelled_by_one_that_runs_before_it);
        tcase_add_test(waiting, the_other_sides_end_wakes_and_stays);
        tcase_add_test(waiting, half_an_end_wakes_readers_only);
        tcase_add_test(waiting, out_of_band_data_is_priority);
        tcase_add_test(waiting, a_wider_interest_is_added_to_a_registration);
        suite_add_tcase(suite, waiting);
        tcase_set_timeout(removing, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(removing, set_up, tear_down);
        tcase_add_test(removing, removing_cancels_without_a_call);
        tcase_add_test(removing, a_removed_descriptor_may_be_registered_again);
        tcase_add_test(removing, removing_nothing_is_allowed);
        tcase_add_test(removing, removing_waits_for_a_daemon_that_does_not_read);
        suite_add_tcase(suite, removing);
        tcase_set_timeout(refused, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(refused, set_up, tear_down);
        tcase_add_test(refused, a_regular_file_is_refused);
        tcase_add_test(refused, a_directory_is_refused);
        tcase_add_test(refused, a_descriptor_that_is_only_a_path_is_refused);
        tcase_add_test(refused, the_same_file_twice_is_refused);
        tcase_add_test(refused, a_refusal_has_the_daemons_sentence);
        tcase_add_test(refused, past_the_sessions_limit_registrations_are_refused);
        suite_add_tcase(suite, refused);
}
