/* Where a Unix socket's file is. See socket_place.h. */
#include "daemon/listen/socket_place.h"

#include "core/cleanup.h"
#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum { LINKS_MAX = 40 }; /* on one way, as in the kernel */

typedef enum Follow {
        FOLLOW_ALL,
        FOLLOW_TRUSTED,
        FOLLOW_NONE,
} Follow;

typedef struct Walk {
        const Address *address; /* for sentences */
        int fd;                 /* the directory it has come to */
        struct stat status;
        bool is_told; /* what status says is some program's word (FUSE) */
        Follow follow;
        int links; /* followed so far */
        bool is_steady;
} Walk;

static int fail(const Walk *walk, int error)
{
        char text[ADDRESS_TEXT_MAX];

        address_format(walk->address, text);
        return error_set(error, "%s: %s", strerror(error), text);
}

static bool is_trusted(const struct stat *status)
{
        return status->st_uid == 0 || status->st_uid == geteuid();
}

/* Whether nobody else can put something in the place of what is found in the walk's directory. */
static bool is_kept(const Walk *walk, const struct stat *found)
{
        if (walk->is_told || !is_trusted(&walk->status))
                return false;
        if (!(walk->status.st_mode & (S_IWGRP | S_IWOTH)))
                return true;
        return walk->status.st_mode & S_ISVTX && is_trusted(found);
}

/* Takes the directory too. */
static int go_to(Walk *walk, int take_fd)
{
        CLEANUP(cleanup_close) int fd = take_fd;
        struct stat status;
        struct statfs system;

        if (fd < 0 || fstat(fd, &status) < 0 || fstatfs(fd, &system) < 0)
                return fail(walk, errno);
        if (walk->fd >= 0) {
                walk->is_steady = walk->is_steady && is_kept(walk, &status);
                close(walk->fd);
        }
        walk->status = status;
        walk->is_told = system.f_type == FUSE_SUPER_MAGIC;
        walk->fd = STEAL_FD(fd);
        return 0;
}

static int go_to_root(Walk *walk)
{
        cleanup_close(&walk->fd);
        walk->fd = -1;
        return go_to(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* What the link in the walk's directory says, if it is one that is followed. */
static int read_link(Walk *walk, const char *name, char target[static PATH_MAX])
{
        CLEANUP(cleanup_close) int link = openat(walk->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat status;
        ssize_t length;

        if (link < 0 || fstat(link, &status) < 0)
                return fail(walk, errno);
        if (!S_ISLNK(status.st_mode))
                return fail(walk, ENOTDIR);
        if (walk->follow == FOLLOW_NONE ||
            (walk->follow == FOLLOW_TRUSTED && (walk->is_told || !is_trusted(&status))))
                return error_set(ELOOP,
                                 "no symbolic link is followed, as %s is on the way: unix:%s", name,
                                 walk->address->socket_address.un.sun_path);
        if (++walk->links > LINKS_MAX)
                return fail(walk, ELOOP);
        length = readlinkat(link, "", target, PATH_MAX - 1);
        if (length < 0)
                return fail(walk, errno);
        target[length] = '\0';
        walk->is_steady = walk->is_steady && is_kept(walk, &status);
        return 0;
}

/* Goes into the directory, and leaves in rest what is behind it; or there is a link, and rest is
 * where that leads. */
static int step(Walk *walk, const char *name, const char *behind, char rest[static PATH_MAX])
{
        char target[PATH_MAX], next[PATH_MAX];
        int fd = openat(walk->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r;

        if (fd >= 0 || errno != ENOTDIR) {
                r = go_to(walk, fd);
                snprintf(next, sizeof(next), "%s", behind);
                strcpy(rest, next);
                return r;
        }
        r = read_link(walk, name, target);
        if (r < 0)
                return r;
        if (snprintf(next, sizeof(next), "%s/%s", target, behind) >= PATH_MAX)
                return fail(walk, ENAMETOOLONG);
        strcpy(rest, next);
        return *target == '/' ? go_to_root(walk) : 0;
}

static int walk_to(Walk *walk, const char *path, size_t length, Follow follow)
{
        char rest[PATH_MAX];
        int r = 0;

        walk->follow = follow;
        snprintf(rest, sizeof(rest), "%.*s", (int)length, path);
        while (r == 0) {
                char *name = rest + strspn(rest, "/");
                size_t end = strcspn(name, "/");
                const char *behind = name[end] ? name + end + 1 : "";

                if (end == 0)
                        break;
                name[end] = '\0';
                r = step(walk, name, behind, rest);
        }
        return r;
}

int socket_place_open(SocketPlace *place, const ListenerConfig *config)
{
        const char *path = config->address.socket_address.un.sun_path;
        const size_t directory = (size_t)(strrchr(path, '/') + 1 - path);
        const size_t fixed = config->fixed < directory ? config->fixed : directory;
        Walk walk = {.address = &config->address, .fd = -1, .is_steady = true};
        int r = go_to_root(&walk);

        if (r == 0 && fixed == 0)
                r = walk_to(&walk, path, directory, FOLLOW_ALL);
        if (r == 0 && fixed > 0)
                r = walk_to(&walk, path, fixed, FOLLOW_TRUSTED);
        if (r == 0 && fixed > 0)
                r = walk_to(&walk, path + fixed, directory - fixed, FOLLOW_NONE);
        *place = (SocketPlace){
                .directory_fd = walk.fd,
                .device = walk.status.st_dev,
                .inode = walk.status.st_ino,
                .is_steady = walk.is_steady,
        };
        strcpy(place->name, path + directory);
        return r;
}

void socket_place_close(SocketPlace *place)
{
        cleanup_close(&place->directory_fd);
        place->directory_fd = -1;
}

int socket_place_address(const SocketPlace *place, const ListenerConfig *config,
                         struct sockaddr_un *out)
{
        *out = config->address.socket_address.un;
        if (place->is_steady)
                return 0;
        if (snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/%s",
                     place->directory_fd, place->name) < (int)sizeof(out->sun_path))
                return 0;
        return error_set(ENAMETOOLONG,
                         "the file's name is too long where others may move its directory: %s",
                         place->name);
}
