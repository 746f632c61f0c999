/* A daemon whose calls are looked at, and a neighbour. See waiting_scene.h. */
#include "tests/integration/waiting_scene.h"

#include "core/clock.h"
#include "core/readiness.h"
#include "tests/support/config_file.h"
#include "tests/support/deadline.h"
#include "tests/support/dns_server.h"
#include "tests/support/fixture.h"
#include "tests/support/program.h"
#include "tests/support/raw_client.h"
#include "tests/torture/latency.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOW_MS = 1000, SLOW_TIMES = 2, PACE_MS = 2, ROUND_TRIPS_MIN = 200 };

static const DnsRecord records[] = {{"there.test", DNS_A, DNS_ANSWERS, 0, {"127.0.0.1"}}};

static DnsServer dns;
static ConfigFile config;
static Program kyron_iod;
static char *directory;
static char socket_path[128], notify_path[128], calls_path[128], log_path[128];
static WaitingLog log_world;
static int manager = -1;
SlowCalls *waiting_calls;

static RawClient neighbour;
static int neighbour_fd;
static Latency latency;

/* ---- The daemon ---------------------------------------------------------------------------- */

static void share_calls(void)
{
        int fd = open(calls_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(ftruncate(fd, sizeof(*waiting_calls)), 0);
        waiting_calls =
                mmap(NULL, sizeof(*waiting_calls), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(waiting_calls, MAP_FAILED);
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

/* As systemd does for what is to go to the journal. */
static void name_journal_stream(int fd)
{
        struct stat status;
        char stream[64];

        fstat(fd, &status);
        snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
                 (unsigned long long)status.st_ino);
        setenv("JOURNAL_STREAM", stream, 1);
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
        unsetenv("JOURNAL_STREAM");
        if (log_world == WAITING_LOG_JOURNAL)
                name_journal_stream(log);
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

void waiting_scene_open(WaitingLog log)
{
        const char *const words[] = {"--log-level",   "debug",  "--config", config.path,
                                     "--admin-group", "daemon", "--socket", socket_path,
                                     "--foreground",  NULL};
        const char *const in_background[] = {"--log-level", "debug",         "--config",
                                             config.path,   "--admin-group", "daemon",
                                             "--socket",    socket_path,     NULL};

        log_world = log;
        directory = make_temp_dir();
        snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
        snprintf(notify_path, sizeof(notify_path), "%s/notify", directory);
        snprintf(calls_path, sizeof(calls_path), "%s/calls", directory);
        snprintf(log_path, sizeof(log_path), "%s/log", directory);
        dns_server_start(&dns, records, sizeof(records) / sizeof(records[0]));
        write_configuration();
        share_calls();
        listen_as_manager();
        program_start(&kyron_iod, log == WAITING_LOG_SYSLOG ? in_background : words, prepare);
        program_await_serving(socket_path);
        open_neighbour();
}

/* The daemon in the background is not the test's child. */
static void stop_background(void)
{
        struct ucred daemon;
        socklen_t size = sizeof(daemon);

        ck_assert_int_eq(program_wait(&kyron_iod), 0);
        ck_assert_int_eq(getsockopt(neighbour.socket_fd, SOL_SOCKET, SO_PEERCRED, &daemon, &size),
                         0);
        ck_assert_int_eq(kill(daemon.pid, SIGTERM), 0);
        ck_assert(WAIT_UNTIL(access(socket_path, F_OK) < 0, DEADLINE_MS));
}

void waiting_scene_close(void)
{
        atomic_store(&waiting_calls->armed, 0);
        if (log_world == WAITING_LOG_SYSLOG)
                stop_background();
        else
                program_stop(&kyron_iod);
        raw_client_close(&neighbour);
        close(neighbour_fd);
        munmap(waiting_calls, sizeof(*waiting_calls));
        close(manager);
        dns_server_stop(&dns);
        config_file_remove(&config);
        remove_temp_dir(directory);
}

bool waiting_scene_works(void)
{
        return atomic_load(&waiting_calls->works);
}

void waiting_scene_arm(int call)
{
        atomic_store(&waiting_calls->slow_ms, SLOW_MS);
        atomic_store(&waiting_calls->slow_left, SLOW_TIMES);
        atomic_store(&waiting_calls->slow, call);
        atomic_store(&waiting_calls->armed, 1);
}

/* ---- What has the daemon do something ------------------------------------------------------ */

pid_t waiting_scene_start_step(const char *step)
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

void waiting_scene_remake_manager(void)
{
        listen_as_manager();
}

void waiting_scene_hand_over(void)
{
        ck_assert_int_eq(kill(kyron_iod.pid, SIGUSR2), 0);
}

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

double waiting_scene_measure(pid_t child, int call)
{
        const struct timespec pause = {.tv_nsec = PACE_MS * 1000000};
        Deadline deadline = deadline_in(2 * DEADLINE_MS);

        latency = (Latency){0};
        while (latency.count < ROUND_TRIPS_MIN || child > 0 ||
               (call != SLOW_CALL_none && atomic_load(&waiting_calls->counts[call]) == 0 &&
                deadline_left(deadline) > 0)) {
                make_round_trip();
                drain_manager();
                nanosleep(&pause, NULL);
                if (child > 0 && waitpid(child, NULL, WNOHANG) == child)
                        child = 0;
                if (child > 0 && deadline_left(deadline) == 0)
                        kill(child, SIGKILL);
        }
        return (double)latency_percentile(&latency, 0.99) / 1e6;
}
