/*
 * SocketPlace: where the file of a Unix socket is: its directory, open, and the name in it.
 *
 * Whoever may change a directory on the way can make a path lead elsewhere, by a symbolic link or
 * by putting another directory in its place, at any time. So a path is walked once, and what is
 * done to the file is done in the directory that the walk has come to:
 *
 *   a path of the administrator's: symbolic links are followed
 *   a client's, its first config->fixed bytes: a directory that the policy names. Links are
 * followed that root or the daemon's user has made a client's, what is behind them: no link is
 * followed, so it stays beneath that directory
 *
 * May wait for the file systems on the way. Uses nothing of the loop's. Owned by who opens it.
 */
#pragma once

#include "daemon/config/config.h"

#include <sys/types.h>

typedef struct SocketPlace {
        int directory_fd; /* O_PATH */
        dev_t device;     /* of the directory */
        ino_t inode;
        bool is_steady; /* nobody but root and the daemon's user can make the path lead elsewhere */
        char name[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
} SocketPlace;

/* The place that config's address names, which is a path. 0, or -errno with error_text(): -ELOOP a
 * link is not followed. Either way socket_place_close() closes it. */
int socket_place_open(SocketPlace *place, const ListenerConfig *config);
void socket_place_close(SocketPlace *place);

/* The address that leads to the place and nowhere else, as bind(2) takes it: the path itself if it
 * is steady, or else one through the open directory. 0, or -ENAMETOOLONG with error_text(). */
int socket_place_address(const SocketPlace *place, const ListenerConfig *config,
                         struct sockaddr_un *out);
