/* A file system that stops answering. See silent_fuse.h. */
#include "tests/support/silent_fuse.h"

#include "core/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        ROOT_NODE = 1,
        FILE_NODE = 2,
        REQUEST_MAX = FUSE_MIN_READ_BUFFER + 4096,
        LOCK_INTERVAL_MS = 50
};

static pid_t server = -1;

static void answer(int fuse, uint64_t unique, int error, const void *body, size_t size)
{
        struct fuse_out_header header = {
                .len = (uint32_t)(sizeof(header) + size),
                .error = error,
                .unique = unique,
        };
        struct iovec parts[] = {
                {.iov_base = &header, .iov_len = sizeof(header)},
                {.iov_base = (void *)body, .iov_len = size},
        };

        if (writev(fuse, parts, 2) < 0 && errno != ENOENT)
                _exit(1);
}

/* Nothing is said to stay valid, so that whoever wants to know has to ask. */
static struct fuse_attr attributes(uint64_t node, mode_t mode)
{
        return (struct fuse_attr){
                .ino = node,
                .mode = node == ROOT_NODE ? S_IFDIR | 0755 : mode | 0600,
                .nlink = 1,
                .uid = getuid(),
                .gid = getgid(),
        };
}

/* Answers one request; false once the file has been opened. A FIFO is opened without the server
 * being asked, so looking it up is the last that is answered. */
static bool serve(int fuse, mode_t mode, const struct fuse_in_header *request)
{
        struct fuse_init_out init = {
                .major = FUSE_KERNEL_VERSION,
                .minor = FUSE_KERNEL_MINOR_VERSION,
                .max_write = 4096,
        };
        struct fuse_attr_out got = {.attr = attributes(request->nodeid, mode)};
        struct fuse_entry_out found = {.nodeid = FILE_NODE, .attr = attributes(FILE_NODE, mode)};
        struct fuse_open_out opened = {.fh = 1};

        switch (request->opcode) {
        case FUSE_INIT:
                answer(fuse, request->unique, 0, &init, sizeof(init));
                return true;
        case FUSE_GETATTR:
                answer(fuse, request->unique, 0, &got, sizeof(got));
                return true;
        case FUSE_LOOKUP:
                answer(fuse, request->unique, 0, &found, sizeof(found));
                return mode != S_IFIFO;
        case FUSE_OPEN:
                answer(fuse, request->unique, 0, &opened, sizeof(opened));
                return false;
        default:
                answer(fuse, request->unique, -ENOSYS, NULL, 0);
                return true;
        }
}

/*
 * A test that fails ends with its file open, and the kernel lets go of neither until this process
 * has ended. What tells it that the test's has begun to end is a lock: it goes when the kernel
 * closes the locked file, before ours, because that has the lower number.
 */
static bool take_lock(int fd)
{
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

        return fcntl(fd, F_SETLK, &lock) == 0;
}

static _Noreturn void run_server(int fuse, int locked, mode_t mode)
{
        static _Alignas(8) char request[REQUEST_MAX];
        struct pollfd fds = {.fd = fuse, .events = POLLIN};
        bool serving = true;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (!take_lock(locked)) {
                if (poll(&fds, 1, LOCK_INTERVAL_MS) <= 0)
                        continue;
                if (read(fuse, request, sizeof(request)) <= 0 && errno != EINTR && errno != EAGAIN)
                        break;
                if (serving)
                        serving = serve(fuse, mode, (const struct fuse_in_header *)request);
        }
        _exit(0);
}

int silent_fuse_open(mode_t mode)
{
        CLEANUP(cleanup_close) int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        char options[128];
        int fd, locked;

        if (fuse < 0 || unshare(CLONE_NEWNS) < 0 ||
            mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
                return -1;
        snprintf(options, sizeof(options),
                 "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other", fuse,
                 (unsigned)getuid(), (unsigned)getgid());
        /* Over a directory that is everywhere and that no test needs; in our namespace only. */
        if (mount("silent", "/mnt", "fuse", MS_NODEV | MS_NOSUID, options) < 0)
                return -1;
        locked = memfd_create("silent", MFD_CLOEXEC);
        if (locked < 0 || !take_lock(locked))
                abort();
        server = fork();
        if (server < 0)
                abort();
        if (server == 0)
                run_server(fuse, locked, mode);
        fd = open("/mnt/file", O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                abort();
        return fd;
}

void silent_fuse_stop(void)
{
        if (kill(server, SIGSTOP) < 0)
                abort();
}

void silent_fuse_end(void)
{
        if (server < 0)
                return;
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
        server = -1;
}
