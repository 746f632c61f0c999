/*
 * AddressQueue: the addresses of one name in the order RFC 8305 has them tried: IPv6 first, then
 * families in turn while both have any, each family's in the order they came. Addresses may come
 * while others have been taken out already.
 */
#pragma once

#include "daemon/connect/name_lookup.h"

typedef struct FamilyQueue {
        size_t count;
        size_t next; /* the first that was not taken */
        InetAddress addresses[CONNECT_ADDRESSES_MAX];
} FamilyQueue;

/* Empty when zero. */
typedef struct AddressQueue {
        FamilyQueue v6;
        FamilyQueue v4;
        bool v4_is_next;
} AddressQueue;

/* false: it was added before, or there is no room, and it is left out. */
bool address_queue_add(AddressQueue *queue, const InetAddress *address);
/* Takes the next one; false when none is left. */
bool address_queue_take(AddressQueue *queue, InetAddress *out);
