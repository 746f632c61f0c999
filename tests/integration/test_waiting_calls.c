/*
 * Nothing on the loop's thread waits for anything but its own wait. Whatever the daemon calls that
 * may wait for somebody else (waiting_call.h) is made to last for a second, one kind of call after
 * another, while a client or an operator has the daemon make it: a neighbour's round trips do not
 * notice. And when everything the daemon does was done, its loop's thread has made no such call.
 */
#include "tests/support/config_file.h"
#include "tests/support/deadline.h"
#include "tests/support/dns_server.h"
#include "tests/support/fixture.h"
#include "tests/support/program.h"
#include "tests/support/raw_client.h"
#include "tests/support/scale.h"
#include "tests/support/slow_calls.h"
#include "tests/torture/latency.h"

#include "core/clock.h"
#include "core/readiness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        SLOW_MS = 1000,
        SLOW_TIMES = 2,
        NEIGHBOUR_MS = 10, /* 99 of 100 round trips end within it */
        PACE_MS = 2,
        ROUND_TRIPS_MIN = 200,
        TRIES = 10, /* where others compute, a neighbour may notice them */
};

static const DnsRecord records[] = {{"there.test", DNS_A, DNS_ANSWERS, 0, {"127.0.0.1"}}};

static DnsServer dns;
static ConfigFile config;
static Program kyron_iod;
static char *directory;
static char socket_path[128], notify_path[128], calls_path[128], log_path[128];
static SlowCalls *calls;
static int manager = -1;

static RawClient neighbour;
static int neighbour_fd;
static Latency latency;

/* ---- The daemon ---------------------------------------------------------------------------- */

static void share_calls(void)
{
        int fd = open(calls_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(ftruncate(fd, sizeof(*calls)), 0);
        calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(calls, MAP_FAILED);
        close(fd);
}

static void listen_as_manager(void)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        ck_assert_uint_lt(strlen(notify_path), sizeof(address.sun_path));
        strcpy(address.sun_path, notify_path);
        unlink(notify_path);
        if (manager >= 0)
                close(manager);
        manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
}

/* In the daemon's process. */
static void prepare(void)
{
        const char *build = getenv("KYRON_BUILD_DIR");
        int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        char library[512];

        snprintf(library, sizeof(library), "%s/tests/support/.libs/libslow_calls.so",
                 build ? build : ".");
        dup2(log, STDERR_FILENO);
        setenv("LD_PRELOAD", library, 1);
        setenv("SLOW_CALLS", calls_path, 1);
        setenv("NOTIFY_SOCKET", notify_path, 1);
        setenv("WATCHDOG_USEC", "100000", 1);
        setenv("FDSTORE", "100", 1);
}

static void write_configuration(void)
{
        char more[300];

        config_file_make(&config);
        snprintf(more, sizeof(more), "%s/conf.d", config.directory);
        ck_assert_int_eq(mkdir(more, 0700), 0);
        config_file_write(&config,
                          "name-servers = {\"%s\"}\n"
                          "max-sessions = 24\n"
                          "listener \"site\" { address = \"tcp:127.0.0.1:0\" when = readable }\n"
                          "policy \"user:%u\" {\n"
                          "        listen = {\"tcp:127.0.0.1:*\", \"unix:%s/*\"}\n"
                          "        connect = {\"tcp:127.0.0.1:*\", \"tcp:*.test:*\"}\n"
                          "        bind = {\"udp:127.0.0.1:*\"}\n"
                          "        serve = {\"*\"}\n"
                          "        hold = {\"*\"}\n"
                          "}\n"
                          "policy \"group:daemon\" { hold = {\"never\"} }\n",
                          dns.address, (unsigned)geteuid(), config.directory);
}

static void open_neighbour(void)
{
        const uint64_t source = raw_source(0, 1, READINESS_READABLE);

        raw_client_open(&neighbour, socket_path);
        neighbour_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        ck_assert_int_ge(neighbour_fd, 0);
        raw_client_add(&neighbour, 0, &source, &neighbour_fd, 1);
}

static void set_up(void)
{
        const char *const words[] = {
                "--foreground",  "--log-level", "debug",    "--config",  config.path,
                "--admin-group", "daemon",      "--socket", socket_path, NULL};

        directory = make_temp_dir();
        snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
        snprintf(notify_path, sizeof(notify_path), "%s/notify", directory);
        snprintf(calls_path, sizeof(calls_path), "%s/calls", directory);
        snprintf(log_path, sizeof(log_path), "%s/log", directory);
        dns_server_start(&dns, records, sizeof(records) / sizeof(records[0]));
        write_configuration();
        share_calls();
        listen_as_manager();
        program_start(&kyron_iod, words, prepare);
        program_await_serving(socket_path);
        open_neighbour();
}

static void tear_down(void)
{
        atomic_store(&calls->armed, 0);
        raw_client_close(&neighbour);
        close(neighbour_fd);
        program_stop(&kyron_iod);
        munmap(calls, sizeof(*calls));
        close(manager);
        dns_server_stop(&dns);
        config_file_remove(&config);
        remove_temp_dir(directory);
}

/* ---- What has the daemon do something ------------------------------------------------------ */

/* A step of fault_scene, in another process. */
static pid_t start_step(const char *step)
{
        const char *build = getenv("KYRON_BUILD_DIR");
        char path[512];
        pid_t child;

        snprintf(path, sizeof(path), "%s/tests/support/fault_scene", build ? build : ".");
        fflush(NULL);
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

                setenv("KYRON_SOCKET", socket_path, 1);
                dup2(nothing, STDOUT_FILENO);
                dup2(nothing, STDERR_FILENO);
                execl(path, "fault_scene", "failing", config.directory, step, NULL);
                _exit(127);
        }
        return child;
}

/* The test's own process: the manager makes its socket anew; another program is to take over, which
 * does not answer under a filter, and is refused. */
static void remake_manager(void)
{
        listen_as_manager();
}

static void hand_over(void)
{
        ck_assert_int_eq(kill(kyron_iod.pid, SIGUSR2), 0);
}

static const char *const steps[] = {
        "register",         "register-file", "bind", "connect-to-number", "share-own",
        "share-configured", "lose-worker",   "hold", "hold-lingering",    "crowd",
        "operate",
};

static const struct {
        const char *name;
        int call;
        void (*begin)(void);
        const char *step;
} rows[] = {
        {"close", SLOW_CALL_close, NULL, "hold-lingering"},
        {"connect", SLOW_CALL_connect, remake_manager, NULL},
        {"getdents", SLOW_CALL_getdents, NULL, "operate"},
        {"getgrnam", SLOW_CALL_getgrnam, NULL, "operate"},
        {"open", SLOW_CALL_open, NULL, "operate"},
        {"posix_spawn", SLOW_CALL_posix_spawn, hand_over, NULL},
        {"read", SLOW_CALL_read, NULL, "operate"},
        {"stat", SLOW_CALL_stat, NULL, "operate"},
        {"write", SLOW_CALL_write, NULL, "crowd"},
};

/* ---- The neighbour ------------------------------------------------------------------------- */

static void drain_manager(void)
{
        char text[512];

        while (recv(manager, text, sizeof(text), 0) > 0) {
        }
}

/* An event, and being told of it. */
static void make_round_trip(void)
{
        const uint64_t begin = clock_now_ns();
        eventfd_t value;
        uint64_t lasted;

        ck_assert_int_eq(eventfd_write(neighbour_fd, 1), 0);
        raw_client_expect(&neighbour, IOD__FRAME__BODY_READINESS);
        ck_assert_int_eq(eventfd_read(neighbour_fd, &value), 0);
        lasted = clock_now_ns() - begin;
        latency_add(&latency, lasted);
        /* And those that would have been begun meanwhile. */
        for (const uint64_t pace = PACE_MS * 1000000ull; lasted > pace; lasted -= pace)
                latency_add(&latency, lasted - pace);
}

/* Until the process has ended, if there is one, and the call was made. */
static void measure_beside(pid_t child, int call)
{
        const struct timespec pause = {.tv_nsec = PACE_MS * 1000000};
        Deadline deadline = deadline_in(2 * DEADLINE_MS);

        latency = (Latency){0};
        while (latency.count < ROUND_TRIPS_MIN || child > 0 ||
               (atomic_load(&calls->counts[call]) == 0 && deadline_left(deadline) > 0)) {
                make_round_trip();
                drain_manager();
                nanosleep(&pause, NULL);
                if (child > 0 && waitpid(child, NULL, WNOHANG) == child)
                        child = 0;
                if (child > 0 && deadline_left(deadline) == 0)
                        kill(child, SIGKILL);
        }
}

static void arm(int call)
{
        atomic_store(&calls->slow_ms, SLOW_MS);
        atomic_store(&calls->slow_left, SLOW_TIMES);
        atomic_store(&calls->slow, call);
        atomic_store(&calls->armed, 1);
}

static double slowest_of_99(void)
{
        return (double)latency_percentile(&latency, 0.99) / 1e6;
}

START_TEST(a_call_that_lasts_delays_no_neighbour)
{
        double ms = 0;

        if (!atomic_load(&calls->works))
                SKIP_TEST("no system calls can be looked at here");
        for (int i = 0; i < TRIES; i++) {
                arm(rows[_i].call);
                if (rows[_i].begin)
                        rows[_i].begin();
                measure_beside(rows[_i].step ? start_step(rows[_i].step) : 0, rows[_i].call);
                ms = slowest_of_99();
                if (ms < NEIGHBOUR_MS)
                        break;
        }
        ck_assert_msg(atomic_load(&calls->counts[rows[_i].call]) > 0, "%s was not called",
                      rows[_i].name);
        ck_assert_msg(ms < NEIGHBOUR_MS,
                      "%s lasts, and of a neighbour's round trips 99 of 100 up to %.1f ms",
                      rows[_i].name, ms);
}
END_TEST

START_TEST(the_loops_thread_makes_no_call_that_may_wait)
{
        if (!atomic_load(&calls->works))
                SKIP_TEST("no system calls can be looked at here");
        arm(SLOW_CALL_none);
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
                ck_assert(wait_exit(start_step(steps[i]), DEADLINE_MS, NULL));
        remake_manager();
        measure_beside(0, SLOW_CALL_connect);
        hand_over();
        measure_beside(0, SLOW_CALL_posix_spawn);
        for (unsigned i = 0; i < calls->n_findings && i < SLOW_FINDINGS_MAX; i++)
                fprintf(stderr, "on the loop's thread: %s\n", calls->findings[i]);
        ck_assert_uint_eq(calls->n_findings, 0);
}
END_TEST

START_TEST(nothing_is_looked_at)
{
        SKIP_TEST("a sanitizer has to be the first library");
}
END_TEST

TEST_SUITE(test_waiting_calls)
{
        TCase *tcase = tcase_create("waiting calls");

        if (BUILT_WITH_SANITIZER) {
                tcase_add_test(tcase, nothing_is_looked_at);
                suite_add_tcase(suite, tcase);
                return;
        }
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, a_call_that_lasts_delays_no_neighbour, 0,
                            (int)(sizeof(rows) / sizeof(rows[0])));
        tcase_add_test(tcase, the_loops_thread_makes_no_call_that_may_wait);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
