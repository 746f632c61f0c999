/*
 * daemon/process/: this process, and the one at the other end.
 *
 * Peer: the process at the other end of a session, its user and groups, by the kernel's word and
 * not the client's.
 */
#pragma once

#include "proto/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Groups of a user that are asked for. */
enum { PEER_GROUPS_MAX = 256 };

typedef struct Peer {
        uint64_t session; /* the number of its session, for the log */
        pid_t pid;        /* 0: a pid namespace hides it */
        uid_t uid;
        gid_t gid;
        gid_t *groups; /* gid first */
        size_t n_groups;
        bool has_sender; /* a packet has come, from this real user */
        uid_t sender_uid;
        int process_fd; /* a pidfd, or negative */
        char program[FRAME_PROGRAM_MAX + 1];
} Peer;

/* Nobody yet, of a session with this number. */
void peer_init(Peer *peer, uint64_t session);
void peer_deinit(Peer *peer);

/* Fills in who connected the socket: process, user, groups and program. 0, or -errno with
 * error_text(). */
int peer_identify(Peer *peer, int borrow_socket_fd);

bool peer_is_in_group(const Peer *peer, gid_t gid);

/*
 * Whether a packet is the peer's: sent by the process that connected, and by the user it was when
 * it said hello. A process that was given the socket, by fork() or otherwise, has to connect
 * itself, and what a process may do ends when it becomes another user. 0, or -EPERM with
 * error_text().
 */
int peer_check_sender(Peer *peer, const struct ucred *sender);
