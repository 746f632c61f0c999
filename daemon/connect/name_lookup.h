/*
 * The addresses of a host's name as this machine knows them: getaddrinfo(3), so the sources that
 * nsswitch.conf(5) names, the hosts file among them, and a name server's long answers over TCP.
 *
 * Asked is for the name as it is written, without a search list: the policy decided about that
 * name, not about one that begins like it. A name server that is silent is asked NAME_LOOKUP_TRIES
 * times, in turn with the others.
 *
 * It waits: it is for a thread that may. Nothing here is shared with another.
 */
#pragma once

#include "core/address.h"
#include "daemon/connect/inet_address.h"

#include <resolv.h>
#include <stddef.h>

enum {
        /* Addresses of a name that are tried, and of each family kept. */
        CONNECT_ADDRESSES_MAX = 16,
        NAME_LOOKUP_RETRY_SECONDS = 2,
        NAME_LOOKUP_TRIES = 3,
};

/* Those to be asked instead of the machine's own; none: its own. */
typedef struct NameServers {
        size_t count;
        InetAddress addresses[MAXNS];
} NameServers;

typedef struct NameAnswer {
        /* 0; -ENOENT there is no such name, or none with an address of the family; -EAGAIN no name
         * server has a proper answer; or what was lacking to ask. */
        int error;
        /* Of an error: had one been asked for alone, the families might have said otherwise. */
        bool is_doubtful;
        char sentence[96]; /* of an error */
        size_t count;
        InetAddress addresses[2 * CONNECT_ADDRESSES_MAX]; /* ports 0 */
} NameAnswer;

/* Those to be asked from now on, instead of what nsswitch.conf(5) says of hosts beside the hosts
 * file; for the whole process. As many as the C library asks; more are left out. */
void name_servers_set(NameServers *servers, const Address *addresses, size_t n);

/* family: AF_INET, AF_INET6, or AF_UNSPEC for both. */
void name_lookup(const char *name, int family, const NameServers *servers, NameAnswer *answer);
