/*
 * host_load ADDRESS PORT LONG SHORT SILENT: the clients of an echo service that is to survive its
 * daemon's crashes. They know nothing of libkyron, so what they see is what the service's clients
 * see: every byte is checked, nothing is ever tried again, and every end but their own counts.
 *
 * LONG connections last as long as the load. SHORT callers connect anew for each round trip. SILENT
 * connections send nothing before the load's end, and then have to be answered.
 *
 * Says "ready" when all are connected; runs until SIGTERM; then prints what came of each kind, and
 * exits with 0 if nothing was refused or lost.
 */
#include "core/cleanup.h"
#include "tests/support/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

enum {
        WAIT_S = 30, /* whoever waits longer has lost the connection */
        BYTES_MAX = 8192,
        LONG_PAUSE_MS = 5,
        SHORT_PAUSE_MS = 20,
        CALLERS_MAX = 256,
        STACK_BYTES = 256 * 1024,
};

typedef enum Kind { LONG, SHORT, SILENT, KINDS } Kind;

static const char *const kind_names[KINDS] = {"long", "short", "silent"};

typedef struct Counts {
        uint64_t connections;
        uint64_t round_trips;
        uint64_t refused;
        uint64_t lost; /* reset, ended, or not answered in time */
        uint64_t mixed_up;
        uint64_t slowest_us; /* of a round trip, for short ones with its connect */
} Counts;

typedef struct Caller {
        pthread_t thread;
        Kind kind;
        unsigned number;
        uint64_t random_state;
        uint64_t began_us; /* with its turn */
        Counts counts;     /* its thread's until that has been joined */
        char failure[96];
} Caller;

static struct sockaddr_in service = {.sin_family = AF_INET};
static Caller callers[CALLERS_MAX];
static unsigned n_callers;
static atomic_uint n_ready;
static int stop_fd; /* readable when it is over */

static bool is_over(int wait_ms)
{
        struct pollfd stop = {.fd = stop_fd, .events = POLLIN};

        return poll(&stop, 1, wait_ms) > 0;
}

static uint64_t now_us(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* To standard error, for the journal, which says when; the first of each caller. 0 for error: the
 * other side has ended it. */
static bool count_failure(Caller *caller, uint64_t *count, const char *step, int error)
{
        ++*count;
        if (!*caller->failure) {
                snprintf(caller->failure, sizeof(caller->failure), "%s: %s", step,
                         error ? strerror(error) : "the other side ended it");
                fprintf(stderr, "%s: %s, after %" PRIu64 " ms\n", kind_names[caller->kind],
                        caller->failure, (now_us() - caller->began_us) / 1000);
        }
        return false;
}

/* Each comes from an address of its own, so that ports do not run out. */
static bool call(Caller *caller, int *out)
{
        const struct timeval wait = {.tv_sec = WAIT_S};
        const struct sockaddr_in from = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(0x7f010001 + caller->number),
        };
        CLEANUP(cleanup_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int on = 1;

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ||
            setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
            bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0)
                return count_failure(caller, &caller->counts.lost, "socket", errno);
        if (connect(fd, (const struct sockaddr *)&service, sizeof(service)) < 0)
                return count_failure(caller, &caller->counts.refused, "connect", errno);
        caller->counts.connections++;
        *out = STEAL_FD(fd);
        return true;
}

static bool make_round_trip(Caller *caller, int fd)
{
        uint8_t sent[BYTES_MAX], received[BYTES_MAX];
        size_t size = 1 + random_below(&caller->random_state, BYTES_MAX);
        ssize_t n;

        random_bytes(&caller->random_state, sent, size);
        /* Blocking: all of it, or an error. */
        n = send(fd, sent, size, MSG_NOSIGNAL);
        if (n != (ssize_t)size)
                return count_failure(caller, &caller->counts.lost, "send",
                                     n < 0 ? errno : ETIMEDOUT);
        n = recv(fd, received, size, MSG_WAITALL);
        if (n != (ssize_t)size)
                return count_failure(caller, &caller->counts.lost, "receive", n < 0 ? errno : 0);
        if (memcmp(sent, received, size) != 0)
                return count_failure(caller, &caller->counts.mixed_up, "receive", EBADMSG);
        caller->counts.round_trips++;
        return true;
}

/* One turn of a caller's, with a connection that lasts in *fd. False: there is no next. */
static bool take_turn(Caller *caller, int *fd)
{
        uint64_t took_us;
        bool good;

        caller->began_us = now_us();
        good = (*fd >= 0 || call(caller, fd)) && make_round_trip(caller, *fd);
        took_us = now_us() - caller->began_us;
        if (took_us > caller->counts.slowest_us)
                caller->counts.slowest_us = took_us;
        if (caller->kind == SHORT && *fd >= 0) {
                close(*fd);
                *fd = -1;
        }
        /* A connection that was lost is not made up for. */
        return good || caller->kind == SHORT;
}

static void *run_caller(void *data)
{
        Caller *caller = data;
        int pause_ms = caller->kind == LONG ? LONG_PAUSE_MS : SHORT_PAUSE_MS;
        CLEANUP(cleanup_close) int fd = -1;
        bool goes_on = caller->kind == SILENT ? call(caller, &fd) : take_turn(caller, &fd);

        atomic_fetch_add(&n_ready, 1);
        if (caller->kind == SILENT) {
                if (goes_on && is_over(-1))
                        make_round_trip(caller, fd);
                return NULL;
        }
        while (goes_on && !is_over(pause_ms))
                goes_on = take_turn(caller, &fd);
        return NULL;
}

static bool start_callers(Kind kind, long count)
{
        pthread_attr_t attributes;
        bool good = count >= 0 && n_callers + (unsigned long)count <= CALLERS_MAX;

        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        for (long i = 0; good && i < count; i++) {
                Caller *caller = &callers[n_callers];

                caller->kind = kind;
                caller->number = n_callers;
                caller->random_state = n_callers;
                good = pthread_create(&caller->thread, &attributes, run_caller, caller) == 0;
                n_callers += good;
        }
        pthread_attr_destroy(&attributes);
        return good;
}

/* Returns whether all went well. */
static bool print_counts(Kind kind)
{
        const char *failure = "";
        Counts sum = {0};

        for (unsigned i = 0; i < n_callers; i++) {
                const Counts *part = &callers[i].counts;

                if (callers[i].kind != kind)
                        continue;
                sum.connections += part->connections;
                sum.round_trips += part->round_trips;
                sum.refused += part->refused;
                sum.lost += part->lost;
                sum.mixed_up += part->mixed_up;
                if (part->slowest_us > sum.slowest_us)
                        sum.slowest_us = part->slowest_us;
                if (!*failure)
                        failure = callers[i].failure;
        }
        printf("%-6s %7" PRIu64 " connections, %7" PRIu64 " round trips, %" PRIu64
               " refused, %" PRIu64 " lost, %" PRIu64 " mixed up",
               kind_names[kind], sum.connections, sum.round_trips, sum.refused, sum.lost,
               sum.mixed_up);
        if (kind != SILENT)
                printf(", longest stall %" PRIu64 " ms", sum.slowest_us / 1000);
        printf("%s%s\n", *failure ? ": " : "", failure);
        return sum.refused + sum.lost + sum.mixed_up == 0;
}

int main(int argc, char **argv)
{
        const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};
        sigset_t ends;
        int signal_number;
        bool good = true;

        if (argc != 6 || inet_pton(AF_INET, argv[1], &service.sin_addr) != 1) {
                fputs("Usage: host_load ADDRESS PORT LONG SHORT SILENT\n", stderr);
                return 2;
        }
        service.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
        sigemptyset(&ends);
        sigaddset(&ends, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &ends, NULL);
        stop_fd = eventfd(0, EFD_CLOEXEC);
        for (Kind kind = 0; kind < KINDS && good; kind++)
                good = start_callers(kind, strtol(argv[3 + kind], NULL, 10));
        if (stop_fd < 0 || !good) {
                fputs("host_load: cannot start\n", stderr);
                return 1;
        }
        /* Each has connected, or failed to, which the counts say. */
        while (atomic_load(&n_ready) < n_callers)
                nanosleep(&moment, NULL);
        puts("ready");
        fflush(stdout);
        sigwait(&ends, &signal_number);
        eventfd_write(stop_fd, 1);
        for (unsigned i = 0; i < n_callers; i++)
                pthread_join(callers[i].thread, NULL);
        for (Kind kind = 0; kind < KINDS; kind++)
                good = print_counts(kind) && good;
        return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
