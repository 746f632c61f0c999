/* The socket the clients connect to. See listening_socket.h. */
#include "daemon/listening_socket.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/service_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

enum {
        LOCK_WAIT_MS = 2000,
        LOCK_NAP_MS = 5,
};

static void directory_of(const char *path, char *directory)
{
        char *slash = strrchr(strcpy(directory, path), '/');

        if (slash == directory)
                slash++;
        if (slash)
                *slash = '\0';
        else
                strcpy(directory, ".");
}

/* Waits for the lock as long as another daemon's start may take. */
static int lock_patiently(int fd)
{
        const struct timespec nap = {.tv_nsec = LOCK_NAP_MS * 1000000};

        for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += LOCK_NAP_MS) {
                if (errno != EWOULDBLOCK && errno != EINTR)
                        return -errno;
                if (waited >= LOCK_WAIT_MS)
                        return -EADDRINUSE;
                nanosleep(&nap, NULL);
        }
        return 0;
}

/* Opens and locks the directory; the lock ends with the descriptor. */
static int lock_directory(const char *path, bool make)
{
        CLEANUP(cleanup_close) int fd = -1;
        char directory[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
        int r;

        directory_of(path, directory);
        if (make && mkdir(directory, 0700) < 0 && errno != EEXIST)
                return error_set(errno, "cannot make %s: %s", directory, strerror(errno));
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return error_set(errno, "cannot open the directory %s: %s", directory,
                                 strerror(errno));
        r = lock_patiently(fd);
        if (r == -EADDRINUSE)
                return error_set(EADDRINUSE, "another daemon is starting in %s", directory);
        if (r < 0)
                return error_set(-r, "cannot lock the directory %s: %s", directory, strerror(-r));
        return STEAL_FD(fd);
}

/* Removes a socket file nobody serves. */
static int remove_stale(const char *path, const struct sockaddr_un *address)
{
        CLEANUP(cleanup_close) int probe = -1;
        struct stat file;

        if (lstat(path, &file) < 0)
                return errno == ENOENT ? 0 : error_set(errno, "%s: %s", path, strerror(errno));
        if (!S_ISSOCK(file.st_mode))
                return error_set(EEXIST, "%s exists and is not a socket: move it away", path);
        probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (probe < 0)
                return error_set(errno, "no socket: %s", strerror(errno));
        if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
            errno != ECONNREFUSED)
                return error_set(EADDRINUSE, "%s is served by another daemon: stop it first", path);
        if (unlink(path) < 0)
                return error_set(errno, "cannot replace %s: %s", path, strerror(errno));
        return 0;
}

static int bind_and_listen(const char *path, const struct sockaddr_un *address, mode_t mode)
{
        CLEANUP(cleanup_close) int fd = -1;

        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return error_set(errno, "no socket: %s", strerror(errno));
        /* The mode is never wider than asked for, and as wide as asked for before anybody can
         * connect, which takes listen(): bind() takes the descriptor's mode and the umask's word on
         * it. */
        if (fchmod(fd, mode) < 0 ||
            bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
            chmod(path, mode) < 0 || listen(fd, SOMAXCONN) < 0)
                return error_set(errno, "cannot listen on %s: %s", path, strerror(errno));
        return STEAL_FD(fd);
}

int listening_socket_open(ListeningSocket *listening, const char *path, bool is_private)
{
        CLEANUP(cleanup_close) int lock = -1;
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct stat file;
        int r;

        *listening = (ListeningSocket){.fd = -1, .path = path};
        r = service_manager_take_socket(&listening->fd);
        if (r != 0)
                return r < 0 ? r : 0;

        if (strlen(path) >= sizeof(address.sun_path))
                return error_set(ENAMETOOLONG, "a socket path has at most %zu bytes",
                                 sizeof(address.sun_path) - 1);
        strcpy(address.sun_path, path);
        lock = lock_directory(path, is_private);
        if (lock < 0)
                return lock;
        r = remove_stale(path, &address);
        if (r < 0)
                return r;
        listening->fd = bind_and_listen(path, &address, is_private ? 0600 : 0666);
        if (listening->fd < 0)
                return listening->fd;
        if (lstat(path, &file) < 0)
                return error_set(errno, "%s: %s", path, strerror(errno));
        listening->device = file.st_dev;
        listening->inode = file.st_ino;
        return 0;
}

/* Whether the path still leads to the socket that was bound here. */
static bool path_is_ours(const ListeningSocket *listening)
{
        struct stat file;

        return listening->inode != 0 && lstat(listening->path, &file) == 0 &&
               file.st_dev == listening->device && file.st_ino == listening->inode;
}

void listening_socket_close(ListeningSocket *listening)
{
        if (listening->fd < 0)
                return;
        if (path_is_ours(listening))
                unlink(listening->path);
        close(listening->fd);
        listening->fd = -1;
}
