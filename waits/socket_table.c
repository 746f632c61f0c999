/* Sockets by inode. See socket_table.h. */
#include "waits/socket_table.h"

#include "waits/socket_ends.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
        PATIENCE_MS = 2000,
        TOTAL_MS = 6000,
        SOCKETS_MAX = 500000, /* of a kind in a namespace */
        JOBS_MAX = SOCKET_KINDS * NETWORK_SPACES_MAX,
};

/* An errand: the sockets of a kind in a namespace. */
typedef struct Job {
        size_t space;
        SocketKind kind;
        bool times;
} Job;

typedef struct Reading {
        const NetworkSpaces *spaces;
        size_t count;
        Job jobs[JOBS_MAX];
        size_t again_count; /* those whose times did not come */
        Job again[JOBS_MAX];
        int error;
        SocketTable *table;
} Reading;

/* Where what is dumped goes. */
typedef struct Dump {
        ErrandOutput *output;
        uint64_t space;
} Dump;

static void write_socket(void *data, const Socket *socket)
{
        const Dump *dump = data;
        Socket copy = *socket;

        copy.space = dump->space;
        errand_write(dump->output, &copy, sizeof(copy));
}

/* The jobs of our own namespace come first, so that none has to go back there. */
static int run(const void *data, size_t errand, ErrandOutput *output)
{
        const Reading *reading = data;
        const Job *job = &reading->jobs[errand];
        const NetworkSpace *space = &reading->spaces->spaces[job->space];
        Dump dump = {.output = output, .space = space->inode};
        int r = job->space == 0 ? 0 : network_space_enter(space);

        if (r == 0)
                socket_dump(job->kind, job->times, write_socket, &dump);
        return r;
}

static void note_failure(Reading *reading, const Job *job, int result)
{
        SocketTable *table = reading->table;

        if ((result == -ETIME || result == -EAGAIN) && job->times) {
                table->without_times = true;
                reading->again[reading->again_count] = *job;
                reading->again[reading->again_count++].times = false;
        } else if (result == -EPERM || result == -EACCES) {
                table->shut += job->kind == SOCKET_TCP;
        } else if (job->space == 0 || (result != -ESRCH && result != -ENOENT)) {
                table->incomplete = true;
        }
}

static void done(void *data, size_t errand, int result, const void *bytes, size_t size)
{
        Reading *reading = data;
        SocketTable *table = reading->table;
        const size_t count = size / sizeof(Socket);
        Socket *grown;

        if (result < 0)
                note_failure(reading, &reading->jobs[errand], result);
        if (result < 0 || count == 0)
                return;
        grown = reallocarray(table->sockets, table->count + count, sizeof(*grown));
        if (!grown) {
                reading->error = -ENOMEM;
                return;
        }
        memcpy(grown + table->count, bytes, count * sizeof(*grown));
        table->sockets = grown;
        table->count += count;
}

static int compare(const void *left, const void *right)
{
        const Socket *a = left, *b = right;

        if (a->inode != b->inode)
                return a->inode < b->inode ? -1 : 1;
        if (a->inode != 0)
                return 0;
        if (a->cookie != b->cookie)
                return a->cookie < b->cookie ? -1 : 1;
        return (a->space > b->space) - (a->space < b->space);
}

int socket_table_read(SocketTable *out, const NetworkSpaces *spaces, Errands *errands)
{
        static const ErrandKind kind = {
                .patience_ms = PATIENCE_MS,
                .total_ms = TOTAL_MS,
                .bytes_max = SOCKETS_MAX * sizeof(Socket),
                .run = run,
                .done = done,
        };
        Reading reading = {.spaces = spaces, .table = out};

        *out = (SocketTable){.count = 0};
        for (size_t i = 0; i < spaces->count; i++) {
                reading.jobs[reading.count++] = (Job){i, SOCKET_TCP, true};
                reading.jobs[reading.count++] = (Job){i, SOCKET_UNIX, false};
                reading.jobs[reading.count++] = (Job){i, SOCKET_UDP, false};
        }
        errands_run(errands, &kind, &reading, reading.count);
        /* The rest of these is told without the lock. */
        reading.count = reading.again_count;
        memcpy(reading.jobs, reading.again, sizeof(reading.jobs));
        errands_run(errands, &kind, &reading, reading.count);
        if (reading.error < 0)
                socket_table_free(out);
        if (out->count > 0)
                qsort(out->sockets, out->count, sizeof(*out->sockets), compare);
        while (out->unaccepted < out->count && out->sockets[out->unaccepted].inode == 0)
                out->unaccepted++;
        return reading.error;
}

void socket_table_free(SocketTable *table)
{
        free(table->sockets);
        table->sockets = NULL;
        table->count = table->unaccepted = 0;
}

static const Socket *find(const SocketTable *table, const Socket *key)
{
        if (table->count == 0)
                return NULL;
        return bsearch(key, table->sockets, table->count, sizeof(*key), compare);
}

const Socket *socket_table_find(const SocketTable *table, uint64_t inode)
{
        const Socket key = {.inode = (uint32_t)inode};

        return inode == 0 || inode > UINT32_MAX ? NULL : find(table, &key);
}

const Socket *socket_table_find_unaccepted(const SocketTable *table, const Socket *socket)
{
        const Socket key = {.cookie = socket->cookie, .space = socket->space};

        return find(table, &key);
}

static bool is_peer(const Socket *one, const Socket *other)
{
        return other->kind == SOCKET_TCP && socket_compare_ends(one, other, true) == 0;
}

const Socket *socket_table_find_peer(const SocketTable *table, const Socket *socket)
{
        if (socket->kind == SOCKET_UNIX)
                return socket_is_listening(socket) ? NULL
                                                   : socket_table_find(table, socket->local.peer);
        for (size_t i = 0; i < table->count && socket->kind == SOCKET_TCP; i++) {
                if (is_peer(socket, &table->sockets[i]))
                        return &table->sockets[i];
        }
        return NULL;
}

/* The address of a listener that takes any. */
static bool is_any(const Socket *listener)
{
        static const uint32_t any[4];

        return memcmp(listener->inet.local, any, sizeof(any)) == 0;
}

bool socket_waits_for(const Socket *connection, const Socket *listener)
{
        if (listener->kind != SOCKET_TCP || connection->kind != SOCKET_TCP ||
            connection->space != listener->space ||
            connection->inet.local_port != listener->inet.local_port)
                return false;
        return connection->family == listener->family &&
               (is_any(listener) || memcmp(connection->inet.local, listener->inet.local,
                                           sizeof(listener->inet.local)) == 0);
}

/* Unix: of those who wait, the listener tells one. */
static bool is_next_of(const Socket *listener, const Socket *connection)
{
        return listener->kind == SOCKET_UNIX && listener->local.oldest == connection->inode;
}

const Socket *socket_table_find_listener(const SocketTable *table, const Socket *connection)
{
        for (size_t i = 0; i < table->count; i++) {
                const Socket *each = &table->sockets[i];

                if (!socket_is_listening(each))
                        continue;
                if (connection->kind == SOCKET_UNIX ? is_next_of(each, connection)
                                                    : socket_waits_for(connection, each))
                        return each;
        }
        return NULL;
}

const Socket *socket_table_find_goal(const SocketTable *table, const Socket *connecting)
{
        Socket turned = *connecting;

        memcpy(turned.inet.local, connecting->inet.peer, sizeof(turned.inet.local));
        turned.inet.local_port = connecting->inet.peer_port;
        return socket_table_find_listener(table, &turned);
}

bool socket_lay_unread(const Socket *then, const Socket *now)
{
        return now->times.known && then->times.known && then->receive_queue > 0 &&
               now->receive_queue >= then->receive_queue && now->times.bytes_received > 0 &&
               now->times.bytes_received - then->times.bytes_received ==
                       now->receive_queue - then->receive_queue;
}
