/* Socket addresses by inode. See socket_address_lookup.h. */
#include "ctl/socket_address_lookup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The sockets of one kind, sorted by inode once loaded. */
typedef struct Group {
        bool loaded;
        size_t count;
        size_t capacity;
        Socket *sockets;
} Group;

struct SocketAddressLookup {
        Group groups[SOCKET_KINDS];
};

/* One that there is no memory for has no addresses. */
static void add_socket(void *data, const Socket *socket)
{
        Group *group = data;

        if (socket->inode == 0)
                return;
        if (group->count == group->capacity) {
                size_t capacity = group->capacity ? group->capacity * 2 : 256;
                Socket *sockets = reallocarray(group->sockets, capacity, sizeof(*sockets));

                if (!sockets)
                        return;
                group->sockets = sockets;
                group->capacity = capacity;
        }
        group->sockets[group->count++] = *socket;
}

static int compare_inodes(const void *left, const void *right)
{
        const Socket *a = left, *b = right;

        return (a->inode > b->inode) - (a->inode < b->inode);
}

/* The group a kind belongs to, dumped; NULL where there is none. */
static const Group *load_group(SocketAddressLookup *lookup, const char *name)
{
        SocketKind kind;
        Group *group;

        if (strcmp(name, "tcp") == 0)
                kind = SOCKET_TCP;
        else if (strcmp(name, "udp") == 0)
                kind = SOCKET_UDP;
        else if (strncmp(name, "unix-", 5) == 0)
                kind = SOCKET_UNIX;
        else
                return NULL;
        group = &lookup->groups[kind];
        if (group->loaded)
                return group;
        socket_dump(kind, false, add_socket, group);
        if (group->count > 0)
                qsort(group->sockets, group->count, sizeof(*group->sockets), compare_inodes);
        group->loaded = true;
        return group;
}

static const Socket *find_socket(const Group *group, uint64_t inode)
{
        const Socket key = {.inode = (uint32_t)inode};

        if (inode == 0 || inode > UINT32_MAX || group->count == 0)
                return NULL;
        return bsearch(&key, group->sockets, group->count, sizeof(key), compare_inodes);
}

static const char *unix_kind(const Socket *socket)
{
        switch (socket->type) {
        case SOCK_STREAM:
                return "unix-stream";
        case SOCK_DGRAM:
                return "unix-datagram";
        case SOCK_SEQPACKET:
                return "unix-seqpacket";
        default:
                return "socket";
        }
}

const char *socket_address_lookup_kind(SocketAddressLookup *lookup, uint64_t inode)
{
        const Socket *socket;

        if (!lookup)
                return "socket";
        if (find_socket(load_group(lookup, "tcp"), inode))
                return "tcp";
        if (find_socket(load_group(lookup, "udp"), inode))
                return "udp";
        socket = find_socket(load_group(lookup, "unix-stream"), inode);
        return socket ? unix_kind(socket) : "socket";
}

SocketAddresses socket_address_lookup_find(SocketAddressLookup *lookup, const char *kind,
                                           uint64_t inode)
{
        SocketAddresses addresses = {.listening = false};
        const Group *group = lookup ? load_group(lookup, kind) : NULL;
        const Socket *socket = group ? find_socket(group, inode) : NULL, *peer;

        if (!socket)
                return addresses;
        addresses.listening = socket_is_listening(socket);
        addresses.known = true;
        addresses.receive_queue = socket->receive_queue;
        addresses.send_queue = socket->send_queue;
        socket_local_text(socket, addresses.local);
        if (socket->family != AF_UNIX) {
                socket_peer_text(socket, addresses.peer);
        } else if (!addresses.listening) {
                peer = find_socket(group, socket->local.peer);
                if (peer)
                        socket_local_text(peer, addresses.peer);
        }
        return addresses;
}

SocketAddressLookup *socket_address_lookup_new(void)
{
        return calloc(1, sizeof(SocketAddressLookup));
}

SocketAddressLookup *socket_address_lookup_free(SocketAddressLookup *lookup)
{
        if (!lookup)
                return NULL;
        for (size_t i = 0; i < SOCKET_KINDS; i++)
                free(lookup->groups[i].sockets);
        free(lookup);
        return NULL;
}
