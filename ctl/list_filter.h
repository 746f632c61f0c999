/*
 * ListFilter: which rows of a list were asked for, by --user, --pid and --port.
 */
#pragma once

#include "ctl/socket_address_lookup.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ListFilter {
        bool by_user;
        uint32_t uid;
        uint64_t pid;  /* 0: every process's */
        uint64_t port; /* 0: every port's */
} ListFilter;

/* Whether a row is wanted that is of this user and process. */
bool list_filter_takes(const ListFilter *filter, uint32_t uid, int64_t pid);

/* Whether one is that has these ports, of its own end and of the other; 0: none. */
bool list_filter_takes_ports(const ListFilter *filter, uint16_t local, uint16_t peer);
/* The same of a listener's address: "tcp:HOST:PORT". */
bool list_filter_takes_address(const ListFilter *filter, const char *address);
/* The same of a socket; kind as in RegistrationEntry. */
bool list_filter_takes_socket(const ListFilter *filter, const char *kind,
                              const SocketAddresses *addresses);
