/*
 * The library's hard cases together, for the sanitizers: threads that read, cancel and close, a
 * descriptor that is always ready, a terminal, connections of an endpoint that are accepted, kept
 * and closed; while the daemon ends and comes back with smaller and with larger limits, again and
 * again.
 *
 * Whatever the limits are, nobody gets what is another's: each byte is read once, by who waits for
 * it, or by nobody where waiting was refused; and with the limits it had in the beginning
 * everything is as it was.
 */
#include "tests/support/client.h"
#include "tests/support/config_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { THREADS = 4, PIPES = 12, ROUNDS = 6, CREDITS = 16, UNSERVED_MS = 5 };

static TestDaemon kyron_iod;
static ConfigFile config;
static KyronIoDriverHandle *handle;
static KyronEndpoint *endpoint;
static atomic_bool stop;
static atomic_uint accepted, unexpected;

static const char *const limits[ROUNDS] = {"8", "3", "1000", "20", "1", "1000"};

static void start_again(const char *limit)
{
        const char *options[] = {"--config", config.path, "--max-registrations-per-session", limit,
                                 NULL};

        test_daemon_start_again(&kyron_iod, options);
}

static void expect(bool condition, const char *what, ssize_t result)
{
        if (condition)
                return;
        fprintf(stderr, "%s: %zd %s\n", what, result, kyron_error_text());
        atomic_fetch_add(&unexpected, 1);
}

/* What a wait may end with meanwhile. */
static bool is_usual(ssize_t result)
{
        return result >= 0 || result == -EDQUOT || result == -ECANCELED;
}

static void *drive(void *unused)
{
        while (!stop)
                kyron_io_driver_handle_process_io(handle, 20);
        return unused;
}

/* ---- Pipes: every byte is its own reader's --------------------------------------------------- */

typedef struct Pipe {
        KyronBridgedFd *reader;
        KyronOperation operation;
        atomic_bool waits;
        int writer;
        unsigned char byte, expected;
} Pipe;

static void check_byte(Pipe *pipe, ssize_t result)
{
        expect(is_usual(result), "a read", result);
        if (result == 1) {
                expect(pipe->byte == pipe->expected, "another's byte", pipe->byte);
                pipe->expected++;
        }
}

static void on_read(KyronOperation *operation)
{
        Pipe *pipe = operation->user;

        check_byte(pipe, operation->result);
        atomic_store(&pipe->waits, false);
}

static void open_pipe(Pipe *pipe, unsigned char first)
{
        int ends[2];

        pipe_pair(ends);
        kyron_bridged_fd_new(&pipe->reader, handle, ends[0]);
        kyron_operation_init(&pipe->operation, on_read, pipe);
        pipe->writer = ends[1];
        pipe->expected = first;
}

static void use_pipe(Pipe *pipe, unsigned char *next)
{
        if (!atomic_load(&pipe->waits)) {
                int r;

                atomic_store(&pipe->waits, true);
                r = kyron_bridged_fd_read(pipe->reader, &pipe->operation, &pipe->byte, 1);
                if (r == KYRON_PENDING) {
                        if (*next % 3 == 0 && kyron_operation_cancel(&pipe->operation) == 0)
                                atomic_store(&pipe->waits, false);
                } else {
                        check_byte(pipe, r < 0 ? r : pipe->operation.result);
                        atomic_store(&pipe->waits, false);
                }
        }
        if (write(pipe->writer, next, 1) == 1)
                ++*next;
}

static void *use_pipes(void *unused)
{
        static _Thread_local Pipe pipes[PIPES];
        unsigned char next[PIPES];

        for (int i = 0; i < PIPES; i++)
                open_pipe(&pipes[i], next[i] = (unsigned char)(i * 16));
        for (unsigned turn = 0; !stop; turn++) {
                int i = (int)(turn % PIPES);

                use_pipe(&pipes[i], &next[i]);
                if (turn % 97 == 96) {
                        kyron_bridged_fd_close(pipes[i].reader);
                        WAIT_UNTIL(!atomic_load(&pipes[i].waits), DEADLINE_MS);
                        close(pipes[i].writer);
                        open_pipe(&pipes[i], next[i]);
                }
                if (i == 0)
                        WAIT_UNTIL(stop || !atomic_load(&pipes[0].waits), DEADLINE_MS);
        }
        for (int i = 0; i < PIPES; i++) {
                kyron_bridged_fd_close(pipes[i].reader);
                expect(WAIT_UNTIL(!atomic_load(&pipes[i].waits), DEADLINE_MS), "an end", i);
                close(pipes[i].writer);
        }
        return unused;
}

/* ---- An endpoint, whose connections are kept and closed -------------------------------------- */

typedef struct Accept {
        KyronOperation operation, keep;
        KyronTcpStream *stream;
        atomic_bool waits;
} Accept;

static void on_kept(KyronOperation *operation)
{
        Accept *accept = operation->user;

        kyron_tcp_stream_close(accept->stream);
        atomic_store(&accept->waits, false);
}

static void on_accepted(KyronOperation *operation)
{
        Accept *accept = operation->user;

        if (operation->result == 0) {
                atomic_fetch_add(&accepted, 1);
                if (kyron_tcp_stream_keep(accept->stream, "note", 4, &accept->keep) ==
                    KYRON_PENDING)
                        return;
                kyron_tcp_stream_close(accept->stream);
        }
        atomic_store(&accept->waits, false);
}

static void *serve(void *unused)
{
        static Accept accept;

        kyron_operation_init(&accept.operation, on_accepted, &accept);
        kyron_operation_init(&accept.keep, on_kept, &accept);
        while (!stop) {
                int r;

                atomic_store(&accept.waits, true);
                r = kyron_endpoint_accept(endpoint, &accept.operation, &accept.stream);
                if (r == 0)
                        on_accepted(&accept.operation);
                else if (r < 0)
                        atomic_store(&accept.waits, false);
                while (!WAIT_UNTIL(stop || !atomic_load(&accept.waits), DEADLINE_MS)) {
                }
        }
        kyron_endpoint_close(endpoint);
        expect(WAIT_UNTIL(!atomic_load(&accept.waits), DEADLINE_MS), "an accept's end", 0);
        return unused;
}

static void dial(void)
{
        struct sockaddr_in there = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        unsigned port = 0;

        sscanf(kyron_endpoint_address(endpoint), "tcp:127.0.0.1:%u", &port);
        there.sin_port = htons((uint16_t)port);
        (void)connect(fd, (struct sockaddr *)&there, sizeof(there));
        /* Who is served sees the end; nobody is while there is no daemon. */
        (void)wait_readable(fd, UNSERVED_MS);
        close(fd);
}

static void join(void)
{
        static const KyronEndpointOptions options = {
                .name = "web",
                .address = "tcp:127.0.0.1:0",
                .credits = CREDITS,
                .keep_on_death = true,
        };
        TestCall call;

        test_call_init(&call);
        ck_assert_int_eq(kyron_endpoint_join(&endpoint, handle, &options, &call.operation),
                         KYRON_PENDING);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_msg(call.result == 0, "%s", call.text);
}

/* ---- Together -------------------------------------------------------------------------------- */

static void on_busy(KyronOperation *operation)
{
        while (!stop && kyron_bridged_fd_ready(operation->user, operation, KYRON_READABLE) == 0)
                ;
}

/* With the limits of the beginning, every one of many pipes is read, and connections come. */
static void check_all_is_well(void)
{
        enum { MANY = 64 };
        static Pipe pipes[MANY];
        unsigned before = accepted;

        for (int i = 0; i < MANY; i++) {
                unsigned char byte = (unsigned char)i;

                open_pipe(&pipes[i], byte);
                atomic_store(&pipes[i].waits, true);
                ck_assert_int_eq(kyron_bridged_fd_read(pipes[i].reader, &pipes[i].operation,
                                                       &pipes[i].byte, 1),
                                 KYRON_PENDING);
        }
        for (int i = 0; i < MANY; i++) {
                unsigned char byte = (unsigned char)i;

                ck_assert_int_eq(write(pipes[i].writer, &byte, 1), 1);
                ck_assert_msg(WAIT_UNTIL(!atomic_load(&pipes[i].waits), DEADLINE_MS), "pipe %d", i);
                ck_assert_uint_eq(pipes[i].expected, (unsigned char)(i + 1));
                kyron_bridged_fd_close(pipes[i].reader);
                close(pipes[i].writer);
        }
        ck_assert(WAIT_UNTIL((dial(), accepted > before), DEADLINE_MS));
}

START_TEST(nobody_gets_what_is_anothers_while_limits_come_and_go)
{
        const KyronOptions options = {
                .socket_path = kyron_iod.socket_path,
                .outage_ms = DEADLINE_MS,
                .delivery = KYRON_DELIVERY_RELAYED,
        };
        pthread_t driver, threads[THREADS], server;
        KyronBridgedFd *busy;
        KyronOperation operation;

        ck_assert_int_eq(kyron_io_driver_handle_open(&handle, &options), 0);
        join();
        ck_assert_int_eq(
                kyron_bridged_fd_new(&busy, handle, eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)), 0);
        kyron_operation_init(&operation, on_busy, busy);
        on_busy(&operation);
        ck_assert_int_eq(pthread_create(&driver, NULL, drive, NULL), 0);
        ck_assert_int_eq(pthread_create(&server, NULL, serve, NULL), 0);
        for (int i = 0; i < THREADS; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, use_pipes, NULL), 0);
        for (int i = 0; i < ROUNDS; i++) {
                for (int j = 0; j < 10; j++)
                        dial();
                test_daemon_crash(&kyron_iod);
                start_again(limits[i]);
                ck_assert(WAIT_UNTIL(kyron_io_driver_handle_served_by(handle) ==
                                             KYRON_SERVED_BY_DAEMON,
                                     DEADLINE_MS));
        }
        check_all_is_well();
        stop = true;
        pthread_join(driver, NULL);
        /* The others wait for their ends, which come from turns. */
        kyron_bridged_fd_close(busy);
        for (int i = 0; i < THREADS; i++)
                ck_assert(PROCESS_UNTIL(handle, pthread_tryjoin_np(threads[i], NULL) == 0));
        ck_assert(PROCESS_UNTIL(handle, pthread_tryjoin_np(server, NULL) == 0));
        process(handle, 0);
        kyron_io_driver_handle_close(handle);
        ck_assert_uint_eq(unexpected, 0);
}
END_TEST

static void set_up(void)
{
        const char *options[] = {"--config", config.path, NULL};

        config_file_make(&config);
        config_file_write(&config,
                          "policy \"user:%u\" {\n"
                          "        listen = {\"tcp:127.0.0.1:*\"}\n"
                          "        hold = {\"*\"}\n"
                          "}\n",
                          (unsigned)geteuid());
        test_daemon_start(&kyron_iod, options);
}

static void tear_down(void)
{
        test_daemon_stop(&kyron_iod);
        config_file_remove(&config);
}

TEST_SUITE(test_smaller_limits)
{
        TCase *tcase = tcase_create("smaller limits");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, nobody_gets_what_is_anothers_while_limits_come_and_go);
        suite_add_tcase(suite, tcase);
}
