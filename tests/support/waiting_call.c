/* Which calls may wait. See waiting_call.h. */
#include "tests/support/waiting_call.h"

#include "tests/support/slow_calls.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINK_BYTES = 160 };

typedef enum Kind {
        PATH,      /* arguments: path */
        FOLLOWED,  /* path, and what it links to */
        PATH_AT,   /* descriptor of the directory, path */
        FILE_AT,   /* likewise, or the descriptor itself where the path is empty */
        TWO_PATHS, /* path, path */
        TWO_PATHS_AT,
        OPEN,
        OPEN_AT,
        DESCRIPTOR,   /* a file's */
        STREAM,       /* a file's or a socket's */
        MESSAGE,      /* a socket's, with flags in [2] */
        LONG_MESSAGE, /* or in [3] */
        ACCEPTING,
        BINDING,
        CONNECTING,
        CLOSING,
        POLLING,
        CONDITION,
        PROCESS,    /* options in [2] */
        PROCESS_ID, /* or in [3] */
        ALWAYS,
} Kind;

static const struct {
        int number;
        int call;
        Kind kind;
} calls[] = {
#define CALL(number, call, kind)                                                                   \
        {                                                                                          \
                SYS_##number, SLOW_CALL_##call, kind                                               \
        }
        CALL(accept4, accept, ACCEPTING),
        CALL(accept, accept, ACCEPTING),
        CALL(bind, bind, BINDING),
        CALL(chdir, chdir, FOLLOWED),
        CALL(clock_nanosleep, sleep, ALWAYS),
        CALL(close, close, CLOSING),
        CALL(connect, connect, CONNECTING),
        CALL(faccessat, access, PATH_AT),
        CALL(faccessat2, access, PATH_AT),
        CALL(fchmod, chmod, DESCRIPTOR),
        CALL(fchmodat, chmod, PATH_AT),
        CALL(fchown, chown, DESCRIPTOR),
        CALL(fchownat, chown, PATH_AT),
        CALL(fdatasync, fsync, DESCRIPTOR),
        CALL(flock, flock, DESCRIPTOR),
        CALL(fstat, stat, DESCRIPTOR),
        CALL(fstatfs, stat, DESCRIPTOR),
        CALL(fsync, fsync, DESCRIPTOR),
        CALL(ftruncate, truncate, DESCRIPTOR),
        CALL(futex, wait_condition, CONDITION),
        CALL(getdents64, getdents, DESCRIPTOR),
        CALL(ioctl, ioctl, DESCRIPTOR),
        CALL(linkat, link, TWO_PATHS_AT),
        CALL(mkdirat, mkdir, PATH_AT),
        CALL(nanosleep, sleep, ALWAYS),
        CALL(newfstatat, stat, FILE_AT),
        CALL(openat, open, OPEN_AT),
        CALL(openat2, open, OPEN_AT),
        CALL(ppoll, poll, POLLING),
        CALL(pread64, read, DESCRIPTOR),
        CALL(pwrite64, write, DESCRIPTOR),
        CALL(read, read, STREAM),
        CALL(readlinkat, readlink, FILE_AT),
        CALL(readv, read, STREAM),
        CALL(recvfrom, recv, LONG_MESSAGE),
        CALL(recvmsg, recv, MESSAGE),
        CALL(renameat2, rename, TWO_PATHS_AT),
        CALL(sendmsg, send, MESSAGE),
        CALL(sendto, send, LONG_MESSAGE),
        CALL(statfs, stat, PATH),
        CALL(statx, stat, FILE_AT),
        CALL(symlinkat, link, PATH),
        CALL(truncate, truncate, FOLLOWED),
        CALL(unlinkat, unlink, PATH_AT),
        CALL(wait4, wait_process, PROCESS),
        CALL(waitid, wait_process, PROCESS_ID),
        CALL(write, write, STREAM),
        CALL(writev, write, STREAM),
#ifdef SYS_open
        CALL(access, access, FOLLOWED),
        CALL(chmod, chmod, FOLLOWED),
        CALL(chown, chown, FOLLOWED),
        CALL(lchown, chown, PATH),
        CALL(link, link, TWO_PATHS),
        CALL(lstat, stat, PATH),
        CALL(mkdir, mkdir, PATH),
        CALL(open, open, OPEN),
        CALL(poll, poll, POLLING),
        CALL(readlink, readlink, PATH),
        CALL(rename, rename, TWO_PATHS),
        CALL(renameat, rename, TWO_PATHS_AT),
        CALL(rmdir, unlink, PATH),
        CALL(stat, stat, FOLLOWED),
        CALL(unlink, unlink, PATH),
#endif
#undef CALL
};

int waiting_call_number(size_t i)
{
        return i < sizeof(calls) / sizeof(calls[0]) ? calls[i].number : -1;
}

/* ---- Paths --------------------------------------------------------------------------------- */

static bool begins_with(const char *text, const char *beginning)
{
        return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* What the descriptor is, as the kernel names it without asking anybody: "socket:[1]",
 * "anon_inode:[eventfd]", "/memfd:note (deleted)", a path. */
static void name_descriptor(int fd, char name[static LINK_BYTES])
{
        char path[32];
        long n;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        n = syscall(SYS_readlinkat, AT_FDCWD, path, name, LINK_BYTES - 1, 0, SLOW_CALLS_PASS);
        name[n > 0 ? n : 0] = '\0';
}

/* Of /proc, and not what a link of it leads to. opens: the link is followed. */
static bool is_of_proc(const char *path, bool opens)
{
        return begins_with(path, "/proc/") && !(opens && strstr(path, "/fd/"));
}

static bool path_waits(const char *path, bool opens, char *what, size_t size)
{
        snprintf(what, size, "%s", path ? path : "(no path)");
        return path && !is_of_proc(path, opens);
}

static bool descriptor_waits(int fd, char *what, size_t size)
{
        char name[LINK_BYTES];

        name_descriptor(fd, name);
        snprintf(what, size, "%d %s", fd, name);
        /* A descriptor that is not open fails at once. */
        return *name && !begins_with(name, "anon_inode:") && !begins_with(name, "/memfd:") &&
               !begins_with(name, "socket:") && !begins_with(name, "pipe:") &&
               !begins_with(name, "/proc/") && !begins_with(name, "net:[") &&
               strcmp(name, "/dev/null") != 0;
}

static bool path_at_waits(int directory, const char *path, bool opens, char *what, size_t size)
{
        char name[LINK_BYTES];

        if (!path || *path == '/' || directory == AT_FDCWD)
                return path_waits(path, opens, what, size);
        if (!*path)
                return descriptor_waits(directory, what, size);
        name_descriptor(directory, name);
        snprintf(what, size, "%s/%s", name, path);
        return !is_of_proc(what, opens);
}

/* ---- Descriptors --------------------------------------------------------------------------- */

static bool is_of_kind(int fd, const char *kind)
{
        char name[LINK_BYTES];

        name_descriptor(fd, name);
        return begins_with(name, kind);
}

static bool blocks(int fd)
{
        return (syscall(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK) == 0;
}

static bool stream_waits(int fd, char *what, size_t size)
{
        return descriptor_waits(fd, what, size) ||
               ((is_of_kind(fd, "socket:") || is_of_kind(fd, "pipe:")) && blocks(fd));
}

static bool message_waits(int fd, unsigned long flags, char *what, size_t size)
{
        descriptor_waits(fd, what, size);
        return !(flags & MSG_DONTWAIT) && blocks(fd);
}

static bool closing_waits(int fd, char *what, size_t size)
{
        struct linger linger = {0};
        socklen_t length = sizeof(linger);
        int domain = 0;

        if (descriptor_waits(fd, what, size))
                return true;
        if (!is_of_kind(fd, "socket:") ||
            getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length) < 0)
                return false;
        length = sizeof(domain);
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length);
        return linger.l_onoff && linger.l_linger > 0 && domain != AF_UNIX;
}

/* To an address that is a path; or, if it blocks, to anybody. */
static bool address_waits(int fd, const struct sockaddr *address, bool connects, char *what,
                          size_t size)
{
        const struct sockaddr_un *un = (const struct sockaddr_un *)address;

        descriptor_waits(fd, what, size);
        if (address->sa_family != AF_UNIX)
                return connects && blocks(fd);
        snprintf(what, size, "%.100s", un->sun_path);
        return un->sun_path[0] != '\0' || (connects && blocks(fd));
}

static bool polling_waits(const WaitingCall *call)
{
        const struct timespec *time = (const struct timespec *)call->arguments[2];

        if (call->number == SYS_ppoll)
                return !time || time->tv_sec > 0 || time->tv_nsec > 0;
        return (int)call->arguments[2] != 0;
}

static bool condition_waits(const WaitingCall *call)
{
        return (call->arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
}

/* ---- The question -------------------------------------------------------------------------- */

static bool waits(const WaitingCall *call, Kind kind, char *what, size_t size)
{
        const unsigned long *a = call->arguments;
        bool opens = kind == OPEN || kind == OPEN_AT || kind == FOLLOWED;

        *what = '\0';
        switch (kind) {
        case PATH:
        case FOLLOWED:
        case OPEN:
        case TWO_PATHS:
                return path_waits((const char *)a[0], opens, what, size);
        case PATH_AT:
        case FILE_AT:
        case OPEN_AT:
        case TWO_PATHS_AT:
                return path_at_waits((int)a[0], (const char *)a[1], opens, what, size);
        case DESCRIPTOR:
                return descriptor_waits((int)a[0], what, size);
        case STREAM:
                return stream_waits((int)a[0], what, size);
        case MESSAGE:
                return message_waits((int)a[0], a[2], what, size);
        case LONG_MESSAGE:
                return message_waits((int)a[0], a[3], what, size);
        case ACCEPTING:
                return message_waits((int)a[0], 0, what, size);
        case BINDING:
        case CONNECTING:
                return address_waits((int)a[0], (const struct sockaddr *)a[1], kind == CONNECTING,
                                     what, size);
        case CLOSING:
                return closing_waits((int)a[0], what, size);
        case POLLING:
                return polling_waits(call);
        case CONDITION:
                return condition_waits(call);
        case PROCESS:
                return !(a[2] & WNOHANG);
        case PROCESS_ID:
                return !(a[3] & WNOHANG);
        case ALWAYS:
                return true;
        }
        return true;
}

int waiting_call_judge(const WaitingCall *call, char *what, size_t size)
{
        for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
                if (calls[i].number == call->number)
                        return waits(call, calls[i].kind, what, size) ? calls[i].call
                                                                      : SLOW_CALL_none;
        }
        return SLOW_CALL_none;
}
