/* The file of a Unix listener. See socket_file.h. */
#include "daemon/listen/socket_file.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/listen/socket_place.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

static int fail(int error, const ListenerConfig *config)
{
        char text[ADDRESS_TEXT_MAX];

        address_format(&config->address, text);
        if (error == EADDRINUSE)
                return error_set(error, "address in use: %s", text);
        return error_set(error, "%s: %s", strerror(error), text);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* ---- One thread at a place ----------------------------------------------------------------- */

typedef struct Busy {
        LIST_ENTRY(Busy) link;
        const SocketPlace *place;
} Busy;

static struct {
        pthread_mutex_t lock;
        pthread_cond_t left;
        LIST_HEAD(, Busy) places;
} busy = {.lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER};

static bool is_busy(const SocketPlace *place)
{
        const Busy *other;

        LIST_FOREACH(other, &busy.places, link)
        {
                if (other->place->device == place->device && other->place->inode == place->inode &&
                    strcmp(other->place->name, place->name) == 0)
                        return true;
        }
        return false;
}

static void occupy(Busy *here, const SocketPlace *place)
{
        here->place = place;
        pthread_mutex_lock(&busy.lock);
        while (is_busy(place))
                pthread_cond_wait(&busy.left, &busy.lock);
        LIST_INSERT_HEAD(&busy.places, here, link);
        pthread_mutex_unlock(&busy.lock);
}

static void vacate(Busy *here)
{
        pthread_mutex_lock(&busy.lock);
        LIST_REMOVE(here, link);
        pthread_cond_broadcast(&busy.left);
        pthread_mutex_unlock(&busy.lock);
}

/* ---- What is there already ----------------------------------------------------------------- */

/* A path that leads to an open file and nowhere else. */
static void path_of(int borrow_fd, char *out, size_t size)
{
        snprintf(out, size, "/proc/self/fd/%d", borrow_fd);
}

/* Whether somebody listens on exactly this file, or it cannot be told. */
static bool is_served(int borrow_file)
{
        CLEANUP(cleanup_close) int probe = -1;
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        path_of(borrow_file, address.sun_path, sizeof(address.sun_path));
        return probe < 0 ||
               connect(probe, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
               errno != ECONNREFUSED;
}

/* Takes away what was looked at, if it is there still. */
static int take_away(const SocketPlace *place, const ListenerConfig *config,
                     const struct stat *looked_at)
{
        struct stat now;

        if (fstatat(place->directory_fd, place->name, &now, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : fail(errno, config);
        if (!is_same(&now, looked_at))
                return fail(EADDRINUSE, config);
        if (unlinkat(place->directory_fd, place->name, 0) < 0 && errno != ENOENT)
                return fail(errno, config);
        return 0;
}

/* Makes room for a new file. */
static int clear(const SocketPlace *place, const ListenerConfig *config)
{
        CLEANUP(cleanup_close)
        int file = openat(place->directory_fd, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        const char *path = config->address.socket_address.un.sun_path;
        struct stat status;

        if (file < 0)
                return errno == ENOENT ? 0 : fail(errno, config);
        if (fstat(file, &status) < 0)
                return fail(errno, config);
        if (!S_ISSOCK(status.st_mode))
                return error_set(EEXIST, "no socket, move it away: unix:%s", path);
        if (config->fixed > 0 && status.st_uid != geteuid() && status.st_uid != config->user)
                return error_set(EADDRINUSE, "user %u's socket, move it away: unix:%s",
                                 status.st_uid, path);
        if (is_served(file))
                return fail(EADDRINUSE, config);
        return take_away(place, config, &status);
}

/* ---- Making and removing ------------------------------------------------------------------- */

/* bind() lets the umask have a say. Only what is the daemon's, and known by no other name, is
 * given the mode that was meant. */
static int settle_mode(int borrow_file, const struct stat *status, mode_t mode)
{
        char path[64];

        if ((status->st_mode & 0777) == mode || status->st_nlink != 1)
                return 0;
        path_of(borrow_file, path, sizeof(path));
        return chmod(path, mode) < 0 ? -errno : 0;
}

/* Looks at what bind() has made, unless somebody has taken it away. */
static int find_made(const SocketPlace *place, const ListenerConfig *config, SocketFile *out)
{
        CLEANUP(cleanup_close)
        int file = openat(place->directory_fd, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat status;
        int r;

        if (file < 0 || fstat(file, &status) < 0)
                return errno == ENOENT ? 0 : fail(errno, config);
        if (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid())
                return 0;
        r = settle_mode(file, &status, config->mode & 0777);
        if (r < 0) {
                take_away(place, config, &status);
                return fail(-r, config);
        }
        *out = (SocketFile){
                .directory_device = place->device,
                .directory_inode = place->inode,
                .device = status.st_dev,
                .inode = status.st_ino,
        };
        return 0;
}

static int bind_at(int borrow_fd, const SocketPlace *place, const ListenerConfig *config,
                   SocketFile *out)
{
        struct sockaddr_un address;
        int r = socket_place_address(place, config, &address);

        if (r == 0)
                r = clear(place, config);
        if (r < 0)
                return r;
        /* The file gets the descriptor's mode: never a wider one than is meant. */
        if (fchmod(borrow_fd, config->mode & 0777) < 0 ||
            bind(borrow_fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return fail(errno, config);
        return find_made(place, config, out);
}

int socket_file_bind(int borrow_fd, const ListenerConfig *config, SocketFile *out)
{
        SocketPlace place;
        Busy here;
        int r = socket_place_open(&place, config);

        *out = (SocketFile){.inode = 0};
        if (r == 0) {
                occupy(&here, &place);
                r = bind_at(borrow_fd, &place, config, out);
                vacate(&here);
        }
        socket_place_close(&place);
        return r;
}

int socket_file_remove(const ListenerConfig *config, const SocketFile *file)
{
        const struct stat made = {.st_dev = file->device, .st_ino = file->inode};
        SocketPlace place;
        Busy here;
        int r;

        if (file->inode == 0)
                return 0;
        r = socket_place_open(&place, config);
        if (r == 0 &&
            (place.device != file->directory_device || place.inode != file->directory_inode))
                r = error_set(ENOENT, "the path leads elsewhere by now: unix:%s",
                              config->address.socket_address.un.sun_path);
        if (r == 0) {
                occupy(&here, &place);
                r = take_away(&place, config, &made);
                vacate(&here);
        }
        socket_place_close(&place);
        return r;
}
