/* A socket that is locked. See held_lock.h. */
#include "tests/support/held_lock.h"

#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, OPTION_BYTES = 8 };

/* Of a page of this process that never comes; or -1. */
static int keep_away(void **page)
{
        struct uffdio_api api = {.api = UFFD_API};
        struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};
        int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

        *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        range.range.start = (uintptr_t)*page;
        range.range.len = PAGE;
        if (fd < 0 || *page == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) < 0 ||
            ioctl(fd, UFFDIO_REGISTER, &range) < 0)
                return -1;
        return fd;
}

/* It has nothing else open: the ends of what the test closes are seen. */
static _Noreturn void hold(int socket_fd, int tell_fd)
{
        struct sock_fprog filter = {.len = 1};
        void *page;
        int fault_fd;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (dup2(socket_fd, STDIN_FILENO) < 0 || dup2(tell_fd, STDOUT_FILENO) < 0)
                _exit(1);
        syscall(SYS_close_range, STDERR_FILENO, ~0u, 0);
        fault_fd = keep_away(&page);
        if (fault_fd < 0)
                _exit(1);
        fd_message_send(STDOUT_FILENO, "", 1, &fault_fd, 1);
        /* An Internet socket's; or, if it is none, any socket's, where this user may attach one. */
        setsockopt(STDIN_FILENO, IPPROTO_IP, IP_OPTIONS, page, OPTION_BYTES);
        filter.filter = page;
        setsockopt(STDIN_FILENO, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
        _exit(1);
}

bool held_lock_take(HeldLock *lock, int borrow_fd)
{
        FdMessage message = {.count = 0};
        int ends[2];
        char byte;

        unix_pair(SOCK_SEQPACKET, ends);
        lock->holder = fork();
        ck_assert_int_ge(lock->holder, 0);
        if (lock->holder == 0)
                hold(borrow_fd, ends[1]);
        close(ends[1]);
        if (wait_readable(ends[0], DEADLINE_MS))
                fd_message_receive(ends[0], &byte, 1, 1, &message);
        lock->fault_fd = message.count == 1 ? message.fds[0] : -1;
        close(ends[0]);
        if (lock->fault_fd >= 0 && wait_readable(lock->fault_fd, DEADLINE_MS))
                return true;
        held_lock_end(lock);
        return false;
}

void held_lock_end(HeldLock *lock)
{
        if (lock->holder > 0) {
                kill(lock->holder, SIGKILL);
                waitpid(lock->holder, NULL, 0);
        }
        if (lock->fault_fd >= 0)
                close(lock->fault_fd);
        *lock = (HeldLock){.holder = -1, .fault_fd = -1};
}
