/* Directories in /proc. See process_directory.h. */
#include "waits/process_directory.h"

#include "core/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
        STAT_BYTES_MAX = 2048,
        KERNEL_THREAD = 0x00200000, /* the kernel's PF_KTHREAD */
};

int process_directory_open(pid_t pid)
{
        char path[32];
        int fd;

        snprintf(path, sizeof(path), "/proc/%d", (int)pid);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int process_directory_open_again(pid_t pid, uint64_t start_time)
{
        CLEANUP(cleanup_close) int directory = process_directory_open(pid);
        ProcessStat stat;

        if (directory < 0)
                return directory;
        if (process_directory_stat(directory, "stat", &stat) < 0 || stat.start_time != start_time)
                return -ESRCH;
        return STEAL_FD(directory);
}

ssize_t process_directory_read(int borrow_directory, const char *path, char *out, size_t size)
{
        CLEANUP(cleanup_close)
        int fd = openat(borrow_directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        ssize_t n;

        if (fd < 0)
                return -errno;
        /* The kernel makes these files in one piece. */
        do
                n = read(fd, out, size - 1);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        out[n] = '\0';
        return n;
}

int process_directory_stat(int borrow_directory, const char *path, ProcessStat *out)
{
        char text[STAT_BYTES_MAX], *name, *rest;
        uint32_t flags;
        ssize_t n = process_directory_read(borrow_directory, path, text, sizeof(text));

        if (n < 0)
                return (int)n;
        /* "PID (NAME) STATE ...": the name may have parentheses, the rest has none. */
        name = strchr(text, '(');
        rest = strrchr(text, ')');
        if (!name || !rest || rest < name)
                return -EIO;
        *rest = '\0';
        snprintf(out->name, sizeof(out->name), "%s", name + 1);
        /* State, the sixth after it: flags, and of all the 15th and the 22nd. */
        if (sscanf(rest + 1,
                   " %c %*d %*d %*d %*d %*d %" SCNu32 " %*u %*u %*u %*u %*u %" SCNu64
                   " %*d %*d %*d %*d %*d %*d %" SCNu64,
                   &out->state, &flags, &out->system_ticks, &out->start_time) != 4)
                return -EIO;
        out->is_kernel = flags & KERNEL_THREAD;
        return 0;
}
