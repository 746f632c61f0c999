/*
 * NetworkSpaces: the network namespaces that processes live in, ours first. Sockets are told by the
 * namespace, and looking into another one is for root.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { NETWORK_SPACES_MAX = 64 }; /* those after these are not looked at */

typedef struct NetworkSpace {
        uint64_t inode;      /* names it */
        pid_t pid;           /* a process in it, */
        uint64_t start_time; /* and when that was started */
} NetworkSpace;

typedef struct NetworkSpaces {
        size_t count;
        NetworkSpace spaces[NETWORK_SPACES_MAX];
} NetworkSpaces;

/* Ours alone. */
void network_spaces_init(NetworkSpaces *spaces);
/* Adds that of a process, if it is for us to see, and new. */
void network_spaces_add(NetworkSpaces *spaces, int borrow_directory, pid_t pid,
                        uint64_t start_time);

/* Moves this thread into it, for good: for an errand. 0 or -errno. */
int network_space_enter(const NetworkSpace *space);
