/*
 * A daemon without capabilities, whose user has as many descriptors in flight as it may (unix(7),
 * ETOOMANYREFS, of which root sees nothing): what it has to pass on waits, and nothing else does.
 */
#include "tests/support/client.h"
#include "tests/support/fd_message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        NOBODY = 65534,
        /* Of this process and the daemon; and what goes beyond it with the last packet. */
        LIMIT = 1024,
        PACKETS = 5,
        PER_PACKET = 253,
        CONNECTIONS = 8,
};

static TestDaemon kyron_iod;
static TestCall call;
static int ends[2];

static bool become_ordinary(void)
{
        if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                               setresuid(NOBODY, NOBODY, NOBODY) < 0))
                return false;
        prctl(PR_SET_DUMPABLE, 1);
        return access(test_daemon_program(), X_OK) == 0;
}

/* What this process has sent to itself counts as its user's: in flight until it is received. */
static bool put_in_flight(void)
{
        int fds[PER_PACKET];

        for (int i = 0; i < PER_PACKET; i++)
                fds[i] = ends[0];
        for (int i = 0; i < PACKETS; i++) {
                if (fd_message_send(ends[1], "x", 1, fds, PER_PACKET) != 1)
                        return false;
        }
        return true;
}

static void receive_all(void)
{
        FdMessage message;
        char byte;

        while (fd_message_receive(ends[0], &byte, 1, PER_PACKET, &message) == 1)
                fd_message_close(&message);
}

static void await(KyronIoDriverHandle *handle)
{
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_msg(call.result == 0, "%zd: %s", call.result, call.text);
        test_call_init(&call);
}

static void hold(KyronIoDriverHandle *handle, const char *name)
{
        ck_assert_int_eq(kyron_hold(handle, ends[1], name, NULL, 0, 60000, &call.operation),
                         KYRON_PENDING);
        await(handle);
}

static bool is_same_file(int fd, int other)
{
        struct stat files[2];

        return fstat(fd, &files[0]) == 0 && fstat(other, &files[1]) == 0 &&
               files[0].st_dev == files[1].st_dev && files[0].st_ino == files[1].st_ino;
}

static int dial(const KyronEndpoint *endpoint)
{
        struct sockaddr_in there = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        unsigned port;

        ck_assert_int_eq(sscanf(kyron_endpoint_address(endpoint), "tcp:127.0.0.1:%u", &port), 1);
        there.sin_port = htons((uint16_t)port);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&there, sizeof(there)), 0);
        return fd;
}

/* The daemon has had a turn since, and another one: it answers two requests that pass nothing. */
static void let_it_try(KyronIoDriverHandle *other)
{
        KyronHeld held;

        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(kyron_take_held(other, "nothing", &call.operation, &held),
                                 KYRON_PENDING);
                ck_assert(PROCESS_UNTIL(other, call.completions == 1));
                ck_assert_int_eq(call.result, -ENOENT);
                test_call_init(&call);
        }
}

START_TEST(what_cannot_be_passed_yet_waits_and_nothing_else)
{
        const KyronEndpointOptions options = {.name = "web", .address = "tcp:127.0.0.1:0"};
        const struct rlimit limit = {.rlim_cur = LIMIT, .rlim_max = LIMIT};
        KyronIoDriverHandle *worker, *taker, *other;
        int peers[CONNECTIONS];
        KyronEndpoint *endpoint;
        KyronHeld held;
        TestCall taking;

        if (!become_ordinary())
                SKIP_TEST("an ordinary user may not run %s", test_daemon_program());
        unlimit_descriptors();
        ck_assert_int_eq(
                socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
        test_call_init(&call);
        test_call_init(&taking);
        if (!limit_descriptors(LIMIT))
                SKIP_TEST("the kernel does not know of this process's descriptor limit");
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        test_daemon_start(&kyron_iod, (const char *const[]){"--user", NULL});
        worker = open_handle(&kyron_iod);
        taker = open_handle(&kyron_iod);
        other = open_handle(&kyron_iod);
        ck_assert_int_eq(kyron_endpoint_join(&endpoint, worker, &options, &call.operation),
                         KYRON_PENDING);
        await(worker);
        hold(taker, "kept");

        if (!put_in_flight())
                SKIP_TEST("this process may not have so many descriptors in flight");
        for (int i = 0; i < CONNECTIONS; i++)
                peers[i] = dial(endpoint);
        ck_assert_int_eq(kyron_take_held(taker, "kept", &taking.operation, &held), KYRON_PENDING);
        process(taker, 0);
        let_it_try(other);
        process(taker, 0);
        process(worker, 0);
        ck_assert_int_eq(taking.completions, 0);
        for (int i = 0; i < CONNECTIONS; i++) {
                KyronTcpStream *stream;
                int r = kyron_endpoint_accept(endpoint, &call.operation, &stream);

                if (i == 0) {
                        ck_assert_int_eq(r, KYRON_PENDING);
                        receive_all();
                }
                if (r == KYRON_PENDING)
                        await(worker);
                ck_assert_ptr_nonnull(stream);
                test_call_init(&call);
                kyron_tcp_stream_close(stream);
        }
        ck_assert(PROCESS_UNTIL(taker, taking.completions == 1));
        ck_assert_msg(taking.result == 0, "%zd: %s", taking.result, taking.text);
        ck_assert(is_same_file(held.fd, ends[1]));
        close(held.fd);

        for (int i = 0; i < CONNECTIONS; i++)
                close(peers[i]);
        kyron_endpoint_close(endpoint);
        kyron_io_driver_handle_close(worker);
        kyron_io_driver_handle_close(taker);
        kyron_io_driver_handle_close(other);
        test_daemon_stop(&kyron_iod);
        close(ends[0]);
        close(ends[1]);
}
END_TEST

TEST_SUITE(test_in_flight_limit)
{
        TCase *tcase = tcase_create("in_flight_limit");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, what_cannot_be_passed_yet_waits_and_nothing_else);
        suite_add_tcase(suite, tcase);
}
