/*
 * SocketFile: the file of a Unix listener: made with bind(2), and removed again.
 *
 * What is removed is what was looked at: in the directory that the walk came to (socket_place.h),
 * and the same file before and after the look. Of what is there already, only a socket goes that
 * nobody listens on, and of a client's listener only one that the daemon or that client's user
 * made.
 *
 * May wait for file systems, and is for any thread: at one place one thread is at work at a time.
 */
#pragma once

#include "daemon/config/config.h"

/* Which file a listener has, while its socket is open: that keeps the number from another's use. */
typedef struct SocketFile {
        uint64_t directory_device;
        uint64_t directory_inode;
        uint64_t device;
        uint64_t inode; /* 0: it has none */
} SocketFile;

/* Binds a socket to config's address, a path, with the file's mode whatever the umask. 0, or with
 * error_text(): -EADDRINUSE somebody listens there or it is somebody else's, -EEXIST there is
 * something that is no socket, -ELOOP, -ENAMETOOLONG, and what the file system says. */
int socket_file_bind(int borrow_fd, const ListenerConfig *config, SocketFile *out);

/* Removes the file if it is still there. Its socket is open still, and listens no more. 0, also if
 * it is not there; or -errno with error_text(). */
int socket_file_remove(const ListenerConfig *config, const SocketFile *file);
