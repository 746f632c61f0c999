/*
 * Pulses between the library and a daemon: what a program's loop does is shown, over an outage,
 * too; and a client that dies, stops, or writes garbage into its page harms nobody.
 */
#include "client/handle/io_driver_handle.h"
#include "core/clock.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/support/client.h"
#include "tests/support/hostile_scene.h"
#include "tests/support/pulse_client.h"
#include "tests/support/random.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static KyronIoDriverHandle *handle;
static KyronBridgedFd *reader;
static TestCall call;
static int writer;
static char byte;

static void set_up(void)
{
        KyronOptions options = {.outage_ms = DEADLINE_MS};
        int ends[2];

        signal(SIGPIPE, SIG_IGN);
        hostile_scene_set_up();
        options.socket_path = scene.daemon.socket_path;
        ck_assert_int_eq(kyron_io_driver_handle_open(&handle, &options), 0);
        pipe_pair(ends);
        writer = ends[1];
        ck_assert_int_eq(kyron_bridged_fd_new(&reader, handle, ends[0]), 0);
        test_call_init(&call);
}

static void tear_down(void)
{
        kyron_bridged_fd_close(reader);
        kyron_io_driver_handle_close(handle);
        close(writer);
        hostile_scene_tear_down();
}

/* What the daemon tells of a session's pulse, valid until it is asked again; NULL: nothing. */
static const Iod__Pulse *told_of(uint64_t session)
{
        const Iod__Sessions *page;

        raw_client_request(&scene.neighbour, 3, RAW_LIST_SESSIONS);
        page = raw_client_expect(&scene.neighbour, IOD__FRAME__BODY_SESSIONS)->sessions;
        for (size_t i = 0; i < page->n_entry; i++) {
                if (page->entry[i]->session == session)
                        return page->entry[i]->pulse;
        }
        return NULL;
}

static const Iod__Pulse *told(void)
{
        return told_of(kyron_io_driver_handle_session(handle));
}

static bool is_told(bool runs, uint64_t turns, uint64_t events, uint32_t registrations)
{
        const Iod__Pulse *pulse = told();

        return pulse && pulse->runs == runs && pulse->turns >= turns && pulse->events == events &&
               pulse->registrations == registrations;
}

/* ---- what is shown ---- */

static void *run(void *data)
{
        (void)data;
        kyron_io_driver_handle_process_io(handle, -1);
        return NULL;
}

START_TEST(a_loop_is_shown_waiting_and_running_with_its_counts)
{
        pthread_t thread;

        ck_assert(is_told(true, 0, 0, 0));
        ck_assert_int_eq(kyron_bridged_fd_read(reader, &call.operation, &byte, 1), KYRON_PENDING);
        ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
        ck_assert(WAIT_UNTIL(is_told(false, 0, 0, 1), DEADLINE_MS));
        put_byte(writer);
        pthread_join(thread, NULL);
        ck_assert_int_eq(call.completions, 1);
        ck_assert_uint_eq(handle->pulse.events, 1);
        /* What it has come to is written with the next wait. */
        ck_assert(told()->runs);
        process(handle, 1);
        ck_assert(is_told(true, 1, 1, 1));
}
END_TEST

START_TEST(in_another_loop_it_waits_between_its_turns)
{
        ck_assert_int_ge(kyron_io_driver_handle_fd(handle), 0);
        ck_assert_int_eq(kyron_bridged_fd_read(reader, &call.operation, &byte, 1), KYRON_PENDING);
        process(handle, 0);
        ck_assert(is_told(false, 1, 0, 1));
        put_byte(writer);
        ck_assert(wait_readable(kyron_io_driver_handle_fd(handle), DEADLINE_MS));
        process(handle, 0);
        ck_assert_int_eq(call.completions, 1);
        ck_assert(is_told(false, 2, 1, 1));
}
END_TEST

START_TEST(kyronctl_shows_what_a_program_tells_of_its_loop)
{
        const KyronctlSetup setup = {.socket_path = scene.daemon.socket_path};
        const KyronctlSetup terminal = {setup.socket_path, .terminal_columns = 80};
        KyronctlRun json = RUN(&setup, "sessions", "--json");
        KyronctlRun table = RUN(&terminal, "sessions");
        json_t *sessions, *pulse, *session;

        kyronctl_run_succeeded(&json);
        kyronctl_run_succeeded(&table);
        sessions = kyronctl_run_json(&json);
        session = kyronctl_json_find(sessions, "session", kyron_io_driver_handle_session(handle));
        pulse = json_object_get(session, "pulse");
        kyronctl_json_check_text(pulse, "loop", "runs");
        kyronctl_json_check_number(pulse, "turns", 0);
        kyronctl_json_check_number(pulse, "events", 0);
        kyronctl_json_check_number(pulse, "registrations", 0);
        kyronctl_json_check_number(pulse, "set", (uint64_t)handle->selector.epoll_fd);
        ck_assert(json_is_integer(json_object_get(pulse, "since_ms")));
        /* The neighbour has none. */
        ck_assert(json_is_null(json_object_get(json_array_get(sessions, 0), "pulse")));
        ck_assert_ptr_nonnull(strstr(table.out, " runs "));
        ck_assert_uint_le(kyronctl_text_width(table.out), 80);
        json_decref(sessions);
        kyronctl_run_release(&json);
        kyronctl_run_release(&table);
}
END_TEST

/* The session's row has two cells one after the other, REGS and EVENTS. */
static bool has_row(const char *table, const char *cells)
{
        const char *row = strstr(table, cells);

        return row && strstr(row, " direct ");
}

START_TEST(of_a_direct_session_it_says_what_the_daemon_does_not_know)
{
        const KyronctlSetup setup = {.socket_path = scene.daemon.socket_path};
        KyronctlRun table;

        ck_assert_int_eq(kyron_io_driver_handle_set_delivery(handle, KYRON_DELIVERY_DIRECT), 0);
        ck_assert(PROCESS_UNTIL(handle,
                                kyron_io_driver_handle_served_by(handle) == KYRON_SERVED_DIRECTLY));
        ck_assert_int_eq(kyron_bridged_fd_read(reader, &call.operation, &byte, 1), KYRON_PENDING);
        put_byte(writer);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        process(handle, 1);
        ck_assert(is_told(true, 1, 1, 1));
        table = RUN(&setup, "sessions");
        kyronctl_run_succeeded(&table);
        ck_assert_msg(has_row(table.out, "    1      1 "), "%s", table.out);
        kyronctl_run_release(&table);
}
END_TEST

START_TEST(with_the_next_daemon_there_is_another)
{
        const PulsePage *first = handle->pulse.page;

        ck_assert_ptr_nonnull(first);
        raw_client_close(&scene.neighbour);
        test_daemon_crash(&scene.daemon);
        ck_assert(PROCESS_UNTIL(handle, !handle->pulse.page));
        test_daemon_start_again(&scene.daemon, NULL);
        ck_assert(PROCESS_UNTIL(handle, handle->pulse.page));
        raw_client_open(&scene.neighbour, scene.daemon.socket_path);
        ck_assert_ptr_nonnull(told());
        ck_assert_uint_gt(told()->turns, 0);
        raw_client_close(&scene.neighbour);
        test_daemon_stop(&scene.daemon);
        hostile_scene_forget();
}
END_TEST

START_TEST(who_has_no_descriptor_left_for_one_goes_on_without)
{
        int lowest;

        raw_client_close(&scene.neighbour);
        test_daemon_crash(&scene.daemon);
        ck_assert(PROCESS_UNTIL(handle, !handle->pulse.page));
        test_daemon_start_again(&scene.daemon, NULL);
        /* For the socket, and nothing else. */
        lowest = dup(STDIN_FILENO);
        close(lowest);
        if (limit_descriptors(lowest + 1)) {
                ck_assert(PROCESS_UNTIL(handle, kyron_io_driver_handle_session(handle) != 0));
                unlimit_descriptors();
                ck_assert_ptr_null(handle->pulse.page);
        } else {
                report_skipped(__func__, "the limit of descriptors is not the kernel's here");
        }
        test_daemon_stop(&scene.daemon);
        hostile_scene_forget();
}
END_TEST

START_TEST(a_child_of_fork_writes_nothing)
{
        PulsePage *page = handle->pulse.page;
        uint64_t state = atomic_load(&page->state);
        int status;
        pid_t child = fork();

        if (child == 0) {
                int r = kyron_io_driver_handle_process_io(handle, 1);

                kyron_io_driver_handle_close(handle);
                _exit(r != -EOWNERDEAD);
        }
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
        ck_assert_uint_eq(atomic_load(&page->state), state);
        process(handle, 0);
        ck_assert_ptr_nonnull(told());
}
END_TEST

/* ---- who harms nobody ---- */

enum { LOOKS = 300 };

/* Writes what comes to mind, gives the memory back, and takes it again; says when it has begun. */
static void write_garbage(int take_fd, int begun_fd)
{
        PulsePage *page = pulse_client_map(dup(take_fd));
        uint64_t seed = clock_now_ns();

        for (unsigned long round = 0;; round++) {
                for (int i = 0; i < 100; i++) {
                        pulse_client_write(page, random_next(&seed), random_next(&seed),
                                           random_next(&seed), random_next(&seed));
                        atomic_store(&page->magic, i % 4 ? PULSE_MAGIC : random_next(&seed));
                }
                fallocate(take_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PULSE_BYTES);
                if (round == 0)
                        put_byte(begun_fd);
        }
}

static pid_t start_garbage(void)
{
        pid_t child;
        int begun[2];

        pipe_pair(begun);
        child = fork();
        if (child == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                raw_client_connect(&scene.client, scene.daemon.socket_path);
                pulse_client_hello(&scene.client);
                write_garbage(pulse_client_welcome(&scene.client), begun[1]);
        }
        ck_assert(wait_readable(begun[0], DEADLINE_MS));
        close(begun[0]);
        close(begun[1]);
        return child;
}

/* Of every session, but the neighbour's, what is told is possible. */
static void check_claims(void)
{
        const Iod__Sessions *page;

        raw_client_request(&scene.neighbour, 3, RAW_LIST_SESSIONS);
        page = raw_client_expect(&scene.neighbour, IOD__FRAME__BODY_SESSIONS)->sessions;
        for (size_t i = 0; i < page->n_entry; i++) {
                const Iod__Pulse *pulse = page->entry[i]->pulse;

                if (!pulse)
                        continue;
                ck_assert_uint_le(pulse->turns, INT64_MAX);
                ck_assert_uint_le(pulse->events, INT64_MAX);
                ck_assert_uint_le(pulse->registrations, 65536);
                ck_assert_uint_le(pulse->since_ms, 1000 * TEST_TIMEOUT_SECONDS);
        }
}

START_TEST(who_writes_garbage_harms_nobody)
{
        pid_t first = start_garbage(), second = start_garbage();

        for (int i = 0; i < LOOKS; i++)
                check_claims();
        hostile_scene_check_neighbour();
        ck_assert_int_eq(kill(first, SIGKILL), 0);
        check_claims();
        ck_assert(wait_exit(first, DEADLINE_MS, NULL));
        ck_assert_int_eq(kill(second, SIGSTOP), 0);
        for (int i = 0; i < LOOKS; i++)
                check_claims();
        hostile_scene_check_neighbour();
        ck_assert_int_eq(kill(second, SIGKILL), 0);
        ck_assert(wait_exit(second, DEADLINE_MS, NULL));
}
END_TEST

TEST_SUITE(test_pulses)
{
        TCase *tcase = tcase_create("pulses");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, a_loop_is_shown_waiting_and_running_with_its_counts);
        tcase_add_test(tcase, in_another_loop_it_waits_between_its_turns);
        tcase_add_test(tcase, kyronctl_shows_what_a_program_tells_of_its_loop);
        tcase_add_test(tcase, of_a_direct_session_it_says_what_the_daemon_does_not_know);
        tcase_add_test(tcase, with_the_next_daemon_there_is_another);
        tcase_add_test(tcase, who_has_no_descriptor_left_for_one_goes_on_without);
        tcase_add_test(tcase, a_child_of_fork_writes_nothing);
        tcase_add_test(tcase, who_writes_garbage_harms_nobody);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
