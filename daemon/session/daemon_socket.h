/*
 * DaemonSocket: the one the clients connect to, from systemd or opened here.
 *
 * Opened here: a socket file left by a daemon that died is replaced; one that a living daemon
 * serves is not. The check and the bind happen under a lock on PATH.lock, which is there for as
 * long, so that of two daemons started at once one wins and the other says so. The socket file is
 * removed at the end, unless another has taken its place meanwhile, and the directory, if it was
 * made here.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

typedef struct DaemonSocket {
        int fd;           /* -1: not open */
        const char *path; /* that is served; of a passed one, what the log calls it */
        char passed_path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
        char made_directory[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* else "" */
        dev_t device; /* of the file at path, to be removed when closed; inode 0: none is */
        ino_t inode;
} DaemonSocket;

/*
 * Takes systemd's socket or opens path, which must outlive it. is_private: only this user may
 * connect, and the directory is made if it is missing; otherwise everybody may. 0, or with
 * error_text(): -EADDRINUSE another daemon serves it or is starting, -EACCES, -ENOENT, -ENOTDIR the
 * directory cannot be used, -EPERM others decide what is in the directory of a private one, -EEXIST
 * the path is something else than a socket, or the lock another's.
 */
int daemon_socket_open(DaemonSocket *listening, const char *path, bool is_private);
/* The socket of the program that was in this process before, with its file and directory: as that
 * program had them. */
void daemon_socket_adopt(DaemonSocket *listening, int take_fd, const char *path,
                         const char *made_directory, dev_t device, ino_t inode);
void daemon_socket_close(DaemonSocket *listening);
