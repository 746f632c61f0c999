/*
 * SocketAddressLookup: the addresses and queues of the machine's sockets by inode, from the
 * kernel's socket diagnostics. The daemon keeps no descriptors, so the inode is all it can say
 * about a socket; the kernel tells the rest to anybody, for its own network namespace.
 *
 * Each kind of socket is dumped once, when the first of it is looked up. What diagnostics cannot
 * tell (another namespace, another kind, no module for it in the kernel, closed meanwhile) has no
 * addresses: that is never an error.
 */
#pragma once

#include "waits/socket_dump.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct SocketAddresses {
        char local[SOCKET_ADDRESS_TEXT_MAX]; /* printable; "": none or not known */
        char peer[SOCKET_ADDRESS_TEXT_MAX];
        bool listening;
        bool known;             /* the socket, and its queues: */
        uint32_t receive_queue; /* as in Socket */
        uint32_t send_queue;
} SocketAddresses;

typedef struct SocketAddressLookup SocketAddressLookup;

/* NULL when there is no memory, which the other two take. */
SocketAddressLookup *socket_address_lookup_new(void);
/* Returns NULL. */
SocketAddressLookup *socket_address_lookup_free(SocketAddressLookup *lookup);

/* What kind of socket has this inode, as in RegistrationEntry: "socket" where it is not known. */
const char *socket_address_lookup_kind(SocketAddressLookup *lookup, uint64_t inode);

/* kind as in RegistrationEntry. */
SocketAddresses socket_address_lookup_find(SocketAddressLookup *lookup, const char *kind,
                                           uint64_t inode);
