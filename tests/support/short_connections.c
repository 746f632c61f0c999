/* Load of short connections. See short_connections.h. */
#include "tests/support/short_connections.h"

#include "core/cleanup.h"
#include "tests/support/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct Caller {
        ShortConnections *load;
        pthread_t thread;
        unsigned number;
        uint64_t random_state;
        ShortConnectionsResult result; /* its thread's until that has been joined */
} Caller;

struct ShortConnections {
        struct sockaddr_storage address;
        socklen_t length;
        struct timeval wait;
        atomic_uint_fast64_t left; /* to be begun */
        atomic_uint_fast64_t ended;
        sem_t begun; /* posted by each caller's thread */
        unsigned n_callers;
        Caller callers[SHORT_CONNECTIONS_AT_ONCE_MAX];
};

static uint64_t now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Counts one that failed at this step, by its errno; 0 is an end that came too early. */
static void count_failure(ShortConnectionsResult *result, const char *step, int error)
{
        if (!*result->first_failure)
                snprintf(result->first_failure, sizeof(result->first_failure), "%s: %s", step,
                         error ? strerror(error) : "the other side ended it");
        if (error == ECONNREFUSED)
                result->refused++;
        else if (error == ECONNRESET || error == EPIPE)
                result->reset++;
        /* What SO_RCVTIMEO and SO_SNDTIMEO say when the time is over. */
        else if (error == 0 || error == EAGAIN || error == EINPROGRESS || error == ETIMEDOUT)
                result->lost++;
        else
                result->failed++;
}

/* An address of its own, where there are many. */
static int come_from_own_address(const Caller *caller, int fd)
{
        const struct sockaddr_in *to = (const struct sockaddr_in *)&caller->load->address;
        struct sockaddr_in from = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(0x7f010001 + caller->number),
        };
        int on = 1;

        if (to->sin_family != AF_INET || ntohl(to->sin_addr.s_addr) >> 24 != 127)
                return 0;
        /* The port is chosen by connect(), which knows what is free for this destination. */
        if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0)
                return -1;
        return bind(fd, (struct sockaddr *)&from, sizeof(from));
}

static int open_socket(const Caller *caller)
{
        const ShortConnections *load = caller->load;
        CLEANUP(cleanup_close)
        int fd = socket(load->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &load->wait, sizeof(load->wait)) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &load->wait, sizeof(load->wait)) < 0 ||
            come_from_own_address(caller, fd) < 0)
                return -1;
        return STEAL_FD(fd);
}

static void call_once(Caller *caller)
{
        const ShortConnections *load = caller->load;
        ShortConnectionsResult *result = &caller->result;
        uint8_t sent[SHORT_CONNECTION_BYTES], received[SHORT_CONNECTION_BYTES];
        uint64_t began = now_ms();
        CLEANUP(cleanup_close) int fd = open_socket(caller);
        ssize_t n;

        if (fd < 0) {
                result->failed++;
                if (!*result->first_failure)
                        snprintf(result->first_failure, sizeof(result->first_failure),
                                 "no socket: %s", strerror(errno));
                return;
        }
        random_bytes(&caller->random_state, sent, sizeof(sent));
        if (connect(fd, (const struct sockaddr *)&load->address, load->length) < 0) {
                count_failure(result, "connect", errno);
                return;
        }
        /* So few bytes go in one piece: there is room for them in every new socket. */
        n = send(fd, sent, sizeof(sent), MSG_NOSIGNAL);
        if (n != (ssize_t)sizeof(sent)) {
                count_failure(result, "send", n < 0 ? errno : EMSGSIZE);
                return;
        }
        n = recv(fd, received, sizeof(received), MSG_WAITALL);
        if (n != (ssize_t)sizeof(received)) {
                count_failure(result, "receive", n < 0 ? errno : 0);
                return;
        }
        if (memcmp(sent, received, sizeof(sent)) != 0) {
                result->mixed_up++;
                if (!*result->first_failure)
                        snprintf(result->first_failure, sizeof(result->first_failure),
                                 "receive: other bytes than were sent");
                return;
        }
        result->served++;
        if (now_ms() - began > result->slowest_ms)
                result->slowest_ms = now_ms() - began;
}

static bool claim_one(ShortConnections *load)
{
        uint_fast64_t left = atomic_load(&load->left);

        while (left > 0) {
                if (atomic_compare_exchange_weak(&load->left, &left, left - 1))
                        return true;
        }
        return false;
}

static void *run_caller(void *data)
{
        Caller *caller = data;

        sem_post(&caller->load->begun);
        while (claim_one(caller->load)) {
                call_once(caller);
                atomic_fetch_add(&caller->load->ended, 1);
        }
        return NULL;
}

/* Until every thread runs code of its own. */
static void await_callers(ShortConnections *load)
{
        for (unsigned i = 0; i < load->n_callers; i++) {
                while (sem_wait(&load->begun) < 0)
                        ; /* EINTR */
        }
}

static void end(ShortConnections *load)
{
        for (unsigned i = 0; i < load->n_callers; i++)
                pthread_join(load->callers[i].thread, NULL);
        sem_destroy(&load->begun);
}

ShortConnections *short_connections_start(const struct sockaddr *address, socklen_t length,
                                          uint64_t count, unsigned at_once, int wait_ms)
{
        static atomic_uint_fast32_t callers;
        ShortConnections *load;
        int r;

        if (length > sizeof(load->address) || at_once == 0 ||
            at_once > SHORT_CONNECTIONS_AT_ONCE_MAX || wait_ms <= 0) {
                errno = EINVAL;
                return NULL;
        }
        load = calloc(1, sizeof(*load));
        if (!load)
                return NULL;
        memcpy(&load->address, address, length);
        load->length = length;
        load->wait = (struct timeval){wait_ms / 1000, wait_ms % 1000 * 1000};
        atomic_init(&load->left, count > 0 ? count : UINT64_MAX);
        atomic_init(&load->ended, 0);
        sem_init(&load->begun, 0, 0);
        for (unsigned i = 0; i < at_once; i++) {
                Caller *caller = &load->callers[i];

                *caller = (Caller){.load = load, .number = i};
                /* No two loads at the same time send the same, so that a mix-up shows. */
                caller->random_state = (uint64_t)getpid() << 32 | atomic_fetch_add(&callers, 1);
                r = pthread_create(&caller->thread, NULL, run_caller, caller);
                if (r != 0) {
                        atomic_store(&load->left, 0);
                        end(load);
                        free(load);
                        errno = r;
                        return NULL;
                }
                load->n_callers++;
        }
        await_callers(load);
        return load;
}

uint64_t short_connections_ended(const ShortConnections *load)
{
        return atomic_load(&load->ended);
}

void short_connections_end(ShortConnections *load, ShortConnectionsResult *result)
{
        *result = (ShortConnectionsResult){0};
        /* Only one without a count has so many left. */
        if (atomic_load(&load->left) > UINT64_MAX / 2)
                atomic_store(&load->left, 0);
        end(load);
        for (unsigned i = 0; i < load->n_callers; i++) {
                const ShortConnectionsResult *part = &load->callers[i].result;

                result->served += part->served;
                result->refused += part->refused;
                result->reset += part->reset;
                result->lost += part->lost;
                result->mixed_up += part->mixed_up;
                result->failed += part->failed;
                if (part->slowest_ms > result->slowest_ms)
                        result->slowest_ms = part->slowest_ms;
                if (!*result->first_failure)
                        strcpy(result->first_failure, part->first_failure);
        }
        free(load);
}
