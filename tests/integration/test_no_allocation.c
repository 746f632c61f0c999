/*
 * Nothing is allocated for an event, on either side: 100,000 round trips make as many calls of
 * malloc as 1,000 do, through the daemon, beside it and without one. The program's own malloc
 * counts; the daemon runs in a child of it.
 */
#include "tests/support/client.h"

#include "daemon/config/options.h"
#include "daemon/process/log.h"
#include "daemon/server/server.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <unistd.h>

enum { FEW = 1000, MANY = 100000, SESSIONS = 5 };

/* Shared with the daemon; [0] is the client's. */
static atomic_ulong *counts;
static atomic_ulong *count;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static bool can_count(void)
{
        return false;
}
#else
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *pointer, size_t size);

static void count_one(void)
{
        if (count)
                atomic_fetch_add(count, 1);
}

KYRON_PUBLIC void *malloc(size_t size)
{
        count_one();
        return __libc_malloc(size);
}

KYRON_PUBLIC void *calloc(size_t number, size_t size)
{
        count_one();
        return __libc_calloc(number, size);
}

KYRON_PUBLIC void *realloc(void *pointer, size_t size)
{
        count_one();
        return __libc_realloc(pointer, size);
}

static bool can_count(void)
{
        unsigned long before = atomic_load(count);
        void *volatile pointer = malloc(1);

        free(pointer);
        return atomic_load(count) == before + 1;
}
#endif

static TestDaemon kyron_iod;

static _Noreturn void serve(pid_t parent)
{
        const char *arguments[] = {"kyron-iod", "--foreground", "--socket", kyron_iod.socket_path};
        Options options;
        Config *config;
        Server *server;
        int exit_code;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(1);
        signal(SIGPIPE, SIG_IGN);
        count = &counts[1];
        log_open(LOG_WARNING);
        if (!options_parse(&options, 4, (char **)arguments, &exit_code) ||
            config_load(&config, "", false, false) < 0 ||
            server_open(&server, &options, config) < 0)
                _exit(1);
        server_run(server);
        server_close(server);
        _exit(0);
}

static bool is_serving(void)
{
        const KyronOptions options = {.socket_path = kyron_iod.socket_path};
        KyronIoDriverHandle *handle;

        if (kyron_io_driver_handle_open(&handle, &options) < 0)
                return false;
        kyron_io_driver_handle_close(handle);
        return true;
}

static void start_daemon(void)
{
        pid_t parent = getpid();

        kyron_iod.directory = make_temp_dir();
        snprintf(kyron_iod.socket_path, sizeof(kyron_iod.socket_path), "%s/socket",
                 kyron_iod.directory);
        fflush(NULL);
        kyron_iod.pid = fork();
        if (kyron_iod.pid == 0)
                serve(parent);
        ck_assert(WAIT_UNTIL(is_serving(), DEADLINE_MS));
}

/* check's own assertions allocate. */
static void require(bool condition)
{
        if (!condition)
                ck_abort_msg("a round trip failed: %s", kyron_error_text());
}

static void count_completion(KyronOperation *operation)
{
        ++*(int *)operation->user;
}

static void make_round_trips(KyronIoDriverHandle *handle, KyronTcpStream *stream, int peer,
                             int round_trips)
{
        KyronOperation operation;
        int completions = 0;
        char byte = 0;

        kyron_operation_init(&operation, count_completion, &completions);
        for (int i = 0; i < round_trips; i++) {
                require(kyron_tcp_stream_read(stream, &operation, &byte, 1) == KYRON_PENDING);
                require(kyron_io_driver_handle_process_io(handle, 0) >= 0);
                require(write(peer, "x", 1) == 1);
                while (completions == i)
                        require(kyron_io_driver_handle_process_io(handle, DEADLINE_MS) >= 0);
                require(operation.result == 1);
                require(kyron_tcp_stream_write(stream, &operation, &byte, 1) == 0);
                require(read(peer, &byte, 1) == 1);
        }
}

/* So many round trips on one connection, and the end of the handle. */
static void run_on(KyronIoDriverHandle *handle, int round_trips)
{
        KyronTcpStream *stream;
        int ends[2];

        tcp_pair(ends);
        ck_assert_int_eq(kyron_tcp_stream_from_fd(&stream, handle, ends[1]), 0);
        make_round_trips(handle, stream, ends[0], round_trips);
        kyron_tcp_stream_close(stream);
        kyron_io_driver_handle_close(handle);
        close(ends[0]);
}

/* As delivery says. */
static void run_session(int round_trips, KyronDelivery delivery)
{
        KyronIoDriverHandle *handle = open_handle(&kyron_iod);
        const KyronServedBy by =
                delivery == KYRON_DELIVERY_DIRECT ? KYRON_SERVED_DIRECTLY : KYRON_SERVED_BY_DAEMON;

        ck_assert_int_eq(kyron_io_driver_handle_set_delivery(handle, delivery), 0);
        ck_assert(PROCESS_UNTIL(handle, kyron_io_driver_handle_served_by(handle) == by));
        run_on(handle, round_trips);
}

/* Where there is no daemon. */
static void run_without(int round_trips, const char *directory)
{
        char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
        const KyronOptions options = {.socket_path = path, .local_fallback = true};
        KyronIoDriverHandle *handle;

        snprintf(path, sizeof(path), "%s/nobody", directory);
        ck_assert_int_eq(kyron_io_driver_handle_open(&handle, &options), 0);
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_LOCALLY);
        run_on(handle, round_trips);
}

/* false: this program's malloc is not its own. */
static bool begin_to_count(void)
{
        counts = mmap(NULL, 2 * sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
        ck_assert_ptr_ne(counts, MAP_FAILED);
        count = &counts[0];
        return can_count();
}

START_TEST(what_is_served_locally_allocates_nothing_for_an_event)
{
        char *directory = make_temp_dir();
        unsigned long start, few, many;

        if (!begin_to_count()) {
                remove_temp_dir(directory);
                SKIP_TEST("this program's malloc is not its own");
        }
        run_without(1, directory);
        start = atomic_load(count);
        run_without(FEW, directory);
        few = atomic_load(count) - start;
        run_without(MANY, directory);
        many = atomic_load(count) - start - few;
        printf("calls of malloc with %d and with %d round trips without a daemon: %lu and %lu\n",
               FEW, MANY, few, many);
        ck_assert_uint_gt(few, 0);
        ck_assert_uint_eq(few, many);
        remove_temp_dir(directory);
}
END_TEST

START_TEST(a_hundred_thousand_round_trips_allocate_no_more_than_a_thousand)
{
        static const KyronDelivery deliveries[] = {KYRON_DELIVERY_RELAYED, KYRON_DELIVERY_DIRECT};
        const KyronDelivery delivery = deliveries[_i];
        KyronIoDriverHandle *others[SESSIONS];
        unsigned long start[2], few[2], many[2];

        if (!begin_to_count())
                SKIP_TEST("this program's malloc is not its own");
        start_daemon();
        /* What is allocated once: for a user's first session, and for as many descriptors as
         * sessions that end a little later than the next one begins can have. */
        for (int i = 0; i < SESSIONS; i++)
                others[i] = open_handle(&kyron_iod);
        run_session(1, delivery);
        for (int i = 1; i < SESSIONS; i++)
                kyron_io_driver_handle_close(others[i]);
        for (int side = 0; side < 2; side++)
                start[side] = atomic_load(&counts[side]);
        run_session(FEW, delivery);
        for (int side = 0; side < 2; side++)
                few[side] = atomic_load(&counts[side]) - start[side];
        run_session(MANY, delivery);
        for (int side = 0; side < 2; side++)
                many[side] = atomic_load(&counts[side]) - start[side] - few[side];
        printf("calls of malloc with %d and with %d round trips %s: client %lu and %lu, "
               "daemon %lu and %lu\n",
               FEW, MANY, delivery == KYRON_DELIVERY_DIRECT ? "directly" : "through the daemon",
               few[0], many[0], few[1], many[1]);
        ck_assert_uint_gt(few[0], 0);
        ck_assert_uint_gt(few[1], 0);
        ck_assert_uint_eq(few[0], many[0]);
        ck_assert_uint_eq(few[1], many[1]);
        kyron_io_driver_handle_close(others[0]);
        test_daemon_stop(&kyron_iod);
}
END_TEST

TEST_SUITE(test_no_allocation)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, 3 * TEST_TIMEOUT_SECONDS);
        tcase_add_test(all, what_is_served_locally_allocates_nothing_for_an_event);
        tcase_add_loop_test(all, a_hundred_thousand_round_trips_allocate_no_more_than_a_thousand, 0,
                            2);
        suite_add_tcase(suite, all);
}
