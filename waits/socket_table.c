/* Sockets by inode. See socket_table.h. */
#include "waits/socket_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
        PATIENCE_MS = 2000,
        SOCKETS_MAX = 500000, /* of a kind */
};

/* Errands of one run. */
enum {
        TCP_WITH_TIMES,
        UNIX,
        KINDS,
};

static void write_socket(void *data, const Socket *socket)
{
        errand_write(data, socket, sizeof(*socket));
}

static int run(const void *data, size_t errand, ErrandOutput *output)
{
        const bool *times = data;

        if (errand == TCP_WITH_TIMES)
                socket_dump(SOCKET_TCP, *times, write_socket, output);
        else
                socket_dump(SOCKET_UNIX, false, write_socket, output);
        return 0;
}

typedef struct Reading {
        bool times; /* for run(), which sees this first */
        int error;
        SocketTable *table;
} Reading;

static void done(void *data, size_t errand, int result, const void *bytes, size_t size)
{
        Reading *reading = data;
        SocketTable *table = reading->table;
        const size_t count = size / sizeof(Socket);
        Socket *grown;

        if (errand == TCP_WITH_TIMES && result == -ETIME && reading->times)
                table->without_times = true;
        else if (result < 0)
                table->incomplete = true;
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
        return (a->cookie > b->cookie) - (a->cookie < b->cookie);
}

int socket_table_read(SocketTable *out, Errands *errands)
{
        static const ErrandKind kind = {
                .patience_ms = PATIENCE_MS,
                .total_ms = KINDS * PATIENCE_MS,
                .bytes_max = SOCKETS_MAX * sizeof(Socket),
                .run = run,
                .done = done,
        };
        Reading reading = {.times = true, .table = out};

        *out = (SocketTable){.count = 0};
        errands_run(errands, &kind, &reading, KINDS);
        reading.times = false;
        /* The rest of it is told without the lock. */
        if (out->without_times)
                errands_run(errands, &kind, &reading, TCP_WITH_TIMES + 1);
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

const Socket *socket_table_find_unaccepted(const SocketTable *table, uint64_t cookie)
{
        const Socket key = {.cookie = cookie};

        return find(table, &key);
}

static bool is_peer(const Socket *one, const Socket *other)
{
        return other->kind == SOCKET_TCP && one->family == other->family &&
               one->inet.local_port == other->inet.peer_port &&
               one->inet.peer_port == other->inet.local_port &&
               memcmp(one->inet.local, other->inet.peer, sizeof(one->inet.local)) == 0 &&
               memcmp(one->inet.peer, other->inet.local, sizeof(one->inet.peer)) == 0;
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
            connection->inet.local_port != listener->inet.local_port)
                return false;
        return connection->family == listener->family &&
               (is_any(listener) || memcmp(connection->inet.local, listener->inet.local,
                                           sizeof(listener->inet.local)) == 0);
}
