/* Network namespaces. See network_spaces.h. */
#include "waits/network_spaces.h"

#include "core/cleanup.h"
#include "waits/process_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

/* What the link of a namespace says; 0: it is not for us to see. */
static uint64_t read_inode(int directory, const char *path)
{
        char link[64];
        uint64_t inode;
        ssize_t n = readlinkat(directory, path, link, sizeof(link) - 1);

        if (n <= 0)
                return 0;
        link[n] = '\0';
        return sscanf(link, "net:[%" SCNu64 "]", &inode) == 1 ? inode : 0;
}

void network_spaces_init(NetworkSpaces *spaces)
{
        spaces->count = 1;
        spaces->spaces[0] = (NetworkSpace){.inode = read_inode(AT_FDCWD, "/proc/self/ns/net")};
}

void network_spaces_add(NetworkSpaces *spaces, int borrow_directory, pid_t pid, uint64_t start_time)
{
        const uint64_t inode = read_inode(borrow_directory, "ns/net");

        for (size_t i = 0; i < spaces->count; i++) {
                if (spaces->spaces[i].inode == inode)
                        return;
        }
        if (inode != 0 && spaces->count < NETWORK_SPACES_MAX)
                spaces->spaces[spaces->count++] = (NetworkSpace){inode, pid, start_time};
}

int network_space_enter(const NetworkSpace *space)
{
        CLEANUP(cleanup_close)
        int directory = process_directory_open_again(space->pid, space->start_time);
        CLEANUP(cleanup_close) int fd = -1;

        if (directory < 0)
                return directory;
        fd = openat(directory, "ns/net", O_RDONLY | O_CLOEXEC);
        if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
                return -errno;
        return 0;
}
