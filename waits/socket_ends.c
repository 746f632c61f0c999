/* The ends of connections. See socket_ends.h. */
#include "waits/socket_ends.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef struct End {
        uint32_t host[4];
        uint32_t port;
} End;

static End end_of(uint8_t family, const uint32_t host[static 4], uint16_t port)
{
        End end = {.port = port};

        if (family == AF_INET) {
                end.host[2] = htonl(0xffff);
                end.host[3] = host[0];
        } else {
                memcpy(end.host, host, sizeof(end.host));
        }
        return end;
}

int socket_compare_ends(const Socket *one, const Socket *other, bool turned)
{
        const End ours[] = {
                end_of(one->family, one->inet.local, one->inet.local_port),
                end_of(one->family, one->inet.peer, one->inet.peer_port),
        };
        const End theirs[] = {
                end_of(other->family, other->inet.local, other->inet.local_port),
                end_of(other->family, other->inet.peer, other->inet.peer_port),
        };
        int r = memcmp(&ours[0], &theirs[turned], sizeof(End));

        if (r == 0)
                r = memcmp(&ours[1], &theirs[!turned], sizeof(End));
        if (r == 0 && one->space != other->space)
                r = one->space < other->space ? -1 : 1;
        return r;
}

static int compare(const void *left, const void *right)
{
        return socket_compare_ends(*(const Socket *const *)left, *(const Socket *const *)right,
                                   false);
}

int socket_index_make(SocketIndex *out, const SocketTable *table)
{
        *out = (SocketIndex){.sockets = calloc(table->count + 1, sizeof(*out->sockets))};
        if (!out->sockets)
                return -ENOMEM;
        for (size_t i = 0; i < table->count; i++) {
                const Socket *each = &table->sockets[i];

                if (each->kind == SOCKET_TCP && !socket_is_listening(each))
                        out->sockets[out->count++] = each;
        }
        qsort(out->sockets, out->count, sizeof(*out->sockets), compare);
        return 0;
}

void socket_index_free(SocketIndex *index)
{
        free(index->sockets);
        *index = (SocketIndex){.count = 0};
}

const Socket *socket_index_find_peer(const SocketIndex *index, const Socket *socket)
{
        size_t low = 0, high = index->count;

        while (low < high) {
                const size_t middle = low + (high - low) / 2;
                const int r = socket_compare_ends(index->sockets[middle], socket, true);

                if (r == 0)
                        return index->sockets[middle];
                if (r < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}
