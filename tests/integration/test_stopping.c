/*
 * A daemon that is stopped answers everybody: who waits for something is told that it stops, as the
 * last of what the session had to read, and not that what was waited for has happened.
 */
#include "core/address.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/support/daemon.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/service_frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { JOIN = 1, REQUEST = 7 };

static const char sentence[] = "kyron-iod is stopping";

static TestDaemon kyron_iod;
static RawClient worker, asker;
static uint64_t worker_session;
static int connection_fd;

static void set_up(void)
{
        /* In a private instance its user may do everything. */
        test_daemon_start(&kyron_iod, (const char *const[]){"--user", NULL});
        connection_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void tear_down(void)
{
        close(connection_fd);
        raw_client_close(&worker);
        raw_client_close(&asker);
}

/* A worker with a connection in hand, which it has yet to read. */
static void start_worker(void)
{
        Address address;

        worker_session = raw_client_open(&worker, kyron_iod.socket_path)->session;
        service_join(&worker, JOIN, "web", "tcp:127.0.0.1:0", 0, 1, NULL);
        ck_assert_int_eq(
                address_parse(raw_client_expect(&worker, IOD__FRAME__BODY_JOINED)->joined->address,
                              &address),
                0);
        ck_assert_int_eq(connect(connection_fd, &address.socket_address.any, address.size), 0);
        ck_assert(wait_readable(worker.socket_fd, DEADLINE_MS));
}

static void ask(Iod__Frame *frame)
{
        frame->sequence = REQUEST;
        service_send(&asker, frame, NULL, 0);
        raw_client_status(&asker); /* it is waited for now */
}

static void ask_for_drain(void)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Drain drain = IOD__DRAIN__INIT;

        drain.session = worker_session;
        frame.body_case = IOD__FRAME__BODY_DRAIN;
        frame.drain = &drain;
        ask(&frame);
}

static void ask_for_connection(int *listener, int filling[static 3])
{
        struct sockaddr_in there = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        Iod__Connect connect_message = IOD__CONNECT__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;
        socklen_t size = sizeof(there);
        char address[64];

        /* Nobody gets an answer from a listener whose queue is full. */
        *listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(*listener, (struct sockaddr *)&there, size), 0);
        ck_assert_int_eq(listen(*listener, 0), 0);
        ck_assert_int_eq(getsockname(*listener, (struct sockaddr *)&there, &size), 0);
        for (int i = 0; i < 3; i++) {
                filling[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                (void)connect(filling[i], (struct sockaddr *)&there, size);
        }
        snprintf(address, sizeof(address), "tcp:127.0.0.1:%u", ntohs(there.sin_port));
        connect_message.address = address;
        frame.body_case = IOD__FRAME__BODY_CONNECT;
        frame.connect = &connect_message;
        ask(&frame);
}

/* Whichever session is older. */
START_TEST(who_waits_for_a_drain_is_told_that_it_stops_and_not_that_it_is_done)
{
        if (_i == 0)
                start_worker();
        raw_client_open(&asker, kyron_iod.socket_path);
        if (_i == 1)
                start_worker();
        ask_for_drain();
        test_daemon_stop(&kyron_iod);
        raw_client_expect_goodbye(&asker, 0, ESHUTDOWN, "%s", sentence);
}
END_TEST

START_TEST(who_waits_for_a_connection_is_told_that_it_stops)
{
        int listener, filling[3];

        raw_client_open(&asker, kyron_iod.socket_path);
        ask_for_connection(&listener, filling);
        test_daemon_stop(&kyron_iod);
        raw_client_expect_goodbye(&asker, 0, ESHUTDOWN, "%s", sentence);
        close(listener);
        for (int i = 0; i < 3; i++)
                close(filling[i]);
}
END_TEST

START_TEST(who_has_yet_to_read_its_connections_gets_them_before)
{
        FdList fds;
        const Iod__Frame *frame;

        start_worker();
        test_daemon_stop(&kyron_iod);
        do
                frame = service_receive(&worker, &fds);
        while (frame && frame->body_case == IOD__FRAME__BODY_READINESS);
        ck_assert_ptr_nonnull(frame);
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_CONNECTIONS);
        ck_assert_uint_eq(fds.count, 1);
        fd_list_close(&fds);
        raw_client_expect_goodbye(&worker, 0, ESHUTDOWN, "%s", sentence);
}
END_TEST

/* ---- kyronctl ---- */

static bool is_drained(void)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__ListGroups list = IOD__LIST_GROUPS__INIT;

        frame.body_case = IOD__FRAME__BODY_LIST_GROUPS;
        frame.list_groups = &list;
        service_send(&asker, &frame, NULL, 0);
        return raw_client_expect(&asker, IOD__FRAME__BODY_GROUPS)->groups->entry[0]->draining;
}

/* The daemon is stopped once it has been asked. By a process: beside a thread that allocates,
 * nobody forks safely where a sanitizer has its own malloc. */
static pid_t start_stopper(void)
{
        pid_t stopper = fork();

        ck_assert_int_ge(stopper, 0);
        if (stopper == 0) {
                raw_client_open(&asker, kyron_iod.socket_path);
                if (WAIT_UNTIL(is_drained(), DEADLINE_MS))
                        kill(kyron_iod.pid, SIGTERM);
                _exit(0);
        }
        return stopper;
}

START_TEST(kyronctl_that_waits_for_a_drain_says_so)
{
        const KyronctlSetup setup = {.socket_path = kyron_iod.socket_path};
        char session[24];
        pid_t stopper;
        KyronctlRun run;

        start_worker();
        snprintf(session, sizeof(session), "%" PRIu64, worker_session);
        stopper = start_stopper();
        run = RUN(&setup, "drain", session);
        ck_assert(wait_exit(stopper, DEADLINE_MS, NULL));
        kyronctl_run_failed(&run, 3, "kyronctl: kyron-iod is stopping\n");
        kyronctl_run_release(&run);
        test_daemon_stop(&kyron_iod); /* its end is still to be waited for */
}
END_TEST

TEST_SUITE(test_stopping)
{
        TCase *stopping = tcase_create("stopping");

        tcase_set_timeout(stopping, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(stopping, set_up, tear_down);
        tcase_add_loop_test(stopping,
                            who_waits_for_a_drain_is_told_that_it_stops_and_not_that_it_is_done, 0,
                            2);
        tcase_add_test(stopping, who_waits_for_a_connection_is_told_that_it_stops);
        tcase_add_test(stopping, who_has_yet_to_read_its_connections_gets_them_before);
        tcase_add_test(stopping, kyronctl_that_waits_for_a_drain_says_so);
        suite_add_tcase(suite, stopping);
}
