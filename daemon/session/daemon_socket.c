/* The socket the clients connect to. See daemon_socket.h. */
#include "daemon/session/daemon_socket.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "core/private_directory.h"
#include "daemon/process/service_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
        LOCK_WAIT_MS = 2000,
        LOCK_NAP_MS = 5,
};

/* Held while the socket is checked and made. The file is its own, for a lock on a directory can be
 * had by whoever may read it, and it is removed with the lock. */
typedef struct StartLock {
        int fd; /* -1: not held */
        char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + sizeof(".lock")];
} StartLock;

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

/* Whether the path still leads to the open file. */
static bool is_at(const char *path, int fd)
{
        struct stat opened, found;

        return fstat(fd, &opened) == 0 && lstat(path, &found) == 0 &&
               opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
}

/* Opens the lock's file, which nobody else may open, and waits for the lock. */
static int open_lock(const char *path)
{
        CLEANUP(cleanup_close) int fd = -1;
        struct stat file;
        int r;

        fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (fd < 0 || fstat(fd, &file) < 0)
                return error_set(errno, "cannot make %s: %s", path, strerror(errno));
        if (!S_ISREG(file.st_mode) || file.st_uid != geteuid())
                return error_set(EEXIST, "%s is not this user's file: move it away", path);
        r = lock_patiently(fd);
        if (r == -EADDRINUSE)
                return error_set(EADDRINUSE, "another daemon is starting: it has locked %s", path);
        if (r < 0)
                return error_set(-r, "cannot lock %s: %s", path, strerror(-r));
        return STEAL_FD(fd);
}

static int lock(StartLock *lock, const char *socket_path)
{
        snprintf(lock->path, sizeof(lock->path), "%s.lock", socket_path);
        do {
                if (lock->fd >= 0)
                        close(lock->fd);
                lock->fd = open_lock(lock->path);
                if (lock->fd < 0)
                        return lock->fd;
                /* Who had it before has removed the file, and a third may have made a new one. */
        } while (!is_at(lock->path, lock->fd));
        return 0;
}

static void unlock(StartLock *lock)
{
        if (lock->fd < 0)
                return;
        unlink(lock->path);
        close(lock->fd);
}

/* Makes the directory if it is missing, where nobody else has a say. 0, 1: it was there, or -errno
 * with error_text(). */
static int make_private(const char *directory)
{
        char parent[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
        int r;

        directory_of(directory, parent);
        r = private_directory_check(parent);
        if (r < 0)
                return r;
        if (mkdir(directory, 0700) == 0)
                return 0;
        if (errno != EEXIST)
                return error_set(errno, "cannot make %s: %s", directory, strerror(errno));
        r = private_directory_check(directory);
        return r < 0 ? r : 1;
}

/* Makes sure that there is a directory for the socket. */
static int prepare_directory(DaemonSocket *listening, bool is_private)
{
        char *directory = listening->made_directory;
        struct stat file;
        int r = 0;

        directory_of(listening->path, directory);
        if (is_private) {
                r = make_private(directory);
                if (r <= 0)
                        return r;
                r = 0;
        }
        if (stat(directory, &file) < 0)
                r = -errno;
        else if (!S_ISDIR(file.st_mode))
                r = -ENOTDIR;
        if (r < 0)
                return error_set(-r, "cannot open the directory %s: %s", directory, strerror(-r));
        *directory = '\0';
        return 0;
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
        if (fchmod(fd, mode) < 0)
                return error_set(errno, "cannot choose the mode of %s: fchmod: %s", path,
                                 strerror(errno));
        if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
                return error_set(errno, "cannot listen on %s: %s", path, strerror(errno));
        if (chmod(path, mode) < 0 || listen(fd, SOMAXCONN) < 0) {
                int error = errno;

                unlink(path);
                return error_set(error, "cannot listen on %s: %s", path, strerror(error));
        }
        return STEAL_FD(fd);
}

/* What the log calls a socket that was passed. */
static void name_passed(DaemonSocket *listening)
{
        struct sockaddr_un address = {0};
        socklen_t size = sizeof(address);

        listening->path = listening->passed_path;
        strcpy(listening->passed_path, "the socket that was passed");
        if (getsockname(listening->fd, (struct sockaddr *)&address, &size) < 0 ||
            size <= offsetof(struct sockaddr_un, sun_path) || size > sizeof(address))
                return;
        memset(listening->passed_path, 0, sizeof(listening->passed_path));
        memcpy(listening->passed_path, address.sun_path,
               size - offsetof(struct sockaddr_un, sun_path));
        if (!*listening->passed_path)
                *listening->passed_path = '@'; /* an abstract one */
}

/* Called with the lock. */
static int open_at_path(DaemonSocket *listening, const struct sockaddr_un *address, bool is_private)
{
        struct stat file;
        int r;

        r = remove_stale(listening->path, address);
        if (r < 0)
                return r;
        listening->fd = bind_and_listen(listening->path, address, is_private ? 0600 : 0666);
        if (listening->fd < 0)
                return listening->fd;
        if (lstat(listening->path, &file) < 0)
                return error_set(errno, "%s: %s", listening->path, strerror(errno));
        listening->device = file.st_dev;
        listening->inode = file.st_ino;
        return 0;
}

static void remove_made_directory(DaemonSocket *listening)
{
        /* Unless something else is in it by now. */
        if (*listening->made_directory)
                rmdir(listening->made_directory);
        *listening->made_directory = '\0';
}

static int obtain(DaemonSocket *listening, const char *path, bool is_private)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        StartLock start = {.fd = -1};
        int r;

        *listening = (DaemonSocket){.fd = -1, .path = path};
        r = service_manager_take_socket(&listening->fd);
        if (r > 0)
                name_passed(listening);
        if (r != 0)
                return r < 0 ? r : 0;

        if (strlen(path) >= sizeof(address.sun_path))
                return error_set(ENAMETOOLONG, "a socket path has at most %zu bytes",
                                 sizeof(address.sun_path) - 1);
        strcpy(address.sun_path, path);
        r = prepare_directory(listening, is_private);
        if (r < 0)
                return r;
        r = lock(&start, path);
        if (r == 0)
                r = open_at_path(listening, &address, is_private);
        unlock(&start);
        if (r < 0)
                remove_made_directory(listening);
        return r;
}

void daemon_socket_adopt(DaemonSocket *listening, int take_fd, const char *path,
                         const char *made_directory, dev_t device, ino_t inode)
{
        *listening = (DaemonSocket){.fd = take_fd, .device = device, .inode = inode};
        listening->path = listening->passed_path;
        snprintf(listening->passed_path, sizeof(listening->passed_path), "%s", path);
        snprintf(listening->made_directory, sizeof(listening->made_directory), "%s",
                 made_directory);
}

int daemon_socket_open(DaemonSocket *listening, const char *path, bool is_private)
{
        const int on = 1;
        int r = obtain(listening, path, is_private);

        if (r < 0)
                return r;
        /* Every packet says who sent it, also those that come before a connection is accepted. */
        if (setsockopt(listening->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0)
                return 0;
        r = error_set(errno, "no credentials with packets: %s", strerror(errno));
        daemon_socket_close(listening);
        return r;
}

/* Whether the path still leads to the socket that was bound here. */
static bool path_is_ours(const DaemonSocket *listening)
{
        struct stat file;

        return listening->inode != 0 && lstat(listening->path, &file) == 0 &&
               file.st_dev == listening->device && file.st_ino == listening->inode;
}

void daemon_socket_close(DaemonSocket *listening)
{
        if (listening->fd < 0)
                return;
        if (path_is_ours(listening))
                unlink(listening->path);
        remove_made_directory(listening);
        close(listening->fd);
        listening->fd = -1;
}
