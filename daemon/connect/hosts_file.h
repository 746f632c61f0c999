/*
 * The hosts file: names this machine knows without asking anybody. Read anew for each name, so
 * that a change counts at once.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* Addresses of one name that are tried, and of each family kept. */
enum { CONNECT_ADDRESSES_MAX = 16 };

typedef union InetAddress {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
} InetAddress;

/*
 * Writes the name's addresses of a family, at most max, ports 0. Whether the file knows the name,
 * be it only in the other family: then nobody else is to be asked. "localhost" is known even where
 * the file is missing.
 */
bool hosts_file_find(const char *path, const char *name, int family, InetAddress *addresses,
                     size_t max, size_t *count);
