/*
 * What passes between the daemon and systemd: the listening socket it hands over, what it kept for
 * this start, readiness, the watchdog. Built without libsystemd, or not started by it, every call
 * does nothing, but for a passed socket being refused.
 */
#pragma once

#include <stdint.h>

enum {
        /* Bytes of a descriptor's name, with its zero. */
        SERVICE_MANAGER_NAME_MAX = 256,
};

/* What the names of stored descriptors begin with; the listening socket's name does not. */
#define SERVICE_MANAGER_STORED "owned-"

/* Whatever was passed to this process. Before it opens or closes anything, and before it forks: the
 * variables that say so name it. How many descriptors, from 3 on, or -errno with error_text(). */
int service_manager_receive(void);
/* The listening socket systemd opened, now the caller's: 1 with *fd, 0 there is none, or -errno
 * with error_text() when what came is not one SEQPACKET listener. */
int service_manager_take_socket(int *fd);
/* After that: the next descriptor that was in the store, now the caller's, and its name. -1: there
 * is none left. */
int service_manager_next_stored(char name[static SERVICE_MANAGER_NAME_MAX]);

/* Where it is to be told what; NULL: nowhere. */
const char *service_manager_notify_socket(void);
/* How many may be: max, or fewer if systemd says so. */
uint32_t service_manager_store_max(uint32_t max);

/* Microseconds within which systemd wants a ping; 0: none. */
uint64_t service_manager_watchdog_usec(void);
