/*
 * The least that registering with another process takes: a limit, not a service. One process sends
 * descriptors, with their numbers; the other puts each on one number of its own, adds it to an
 * epoll set and closes it, and answers marks. See registrations.h.
 */
#include "bench/program.h"
#include "bench/registrations.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        SCRATCH = 1000, /* the number that all are added under */
        MARK = 1 << 16,
        CONTROL_SIZE = CMSG_SPACE(REGISTRATIONS_BATCH_MAX * sizeof(int)),
};

static int ends[2];

/* ---- The one that registers ---------------------------------------------------------------- */

static void take(int set, int take_fd, uint64_t number)
{
        struct epoll_event event = {
                .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                .data.u64 = number,
        };

        program_check(dup3(take_fd, SCRATCH, O_CLOEXEC), "dup3");
        close(take_fd);
        program_check(epoll_ctl(set, EPOLL_CTL_ADD, SCRATCH, &event), "epoll_ctl");
}

static _Noreturn void serve(int fd)
{
        int set = program_check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
        _Alignas(struct cmsghdr) char control[CONTROL_SIZE];
        uint64_t numbers[REGISTRATIONS_BATCH_MAX];
        int fds[REGISTRATIONS_BATCH_MAX];
        const char answer = 0;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                struct iovec data = {.iov_base = numbers, .iov_len = sizeof(numbers)};
                struct msghdr message = {
                        .msg_iov = &data,
                        .msg_iovlen = 1,
                        .msg_control = control,
                        .msg_controllen = sizeof(control),
                };
                ssize_t size = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
                const struct cmsghdr *header = CMSG_FIRSTHDR(&message);

                if (size <= 0)
                        _exit(EXIT_SUCCESS); /* the other has ended */
                if (!header || message.msg_flags & MSG_CTRUNC)
                        program_fail("descriptors got lost");
                memcpy(fds, CMSG_DATA(header), (size_t)size / sizeof(*numbers) * sizeof(*fds));
                for (size_t i = 0; i < (size_t)size / sizeof(*numbers); i++) {
                        take(set, fds[i], numbers[i]);
                        if (numbers[i] & MARK)
                                program_check((int)send(fd, &answer, 1, MSG_NOSIGNAL), "send");
                }
        }
}

/* ---- The one that has the descriptors ------------------------------------------------------ */

static int fd_of[REGISTRATIONS_WINDOW];
static uint64_t batch_numbers[REGISTRATIONS_BATCH_MAX];
static int batch_fds[REGISTRATIONS_BATCH_MAX];
static size_t batch_size;

static void add(unsigned place, int take_fd, bool is_mark)
{
        fd_of[place] = take_fd;
        batch_fds[batch_size] = take_fd;
        batch_numbers[batch_size++] = place | (is_mark ? MARK : 0);
}

static void send_batch(void)
{
        _Alignas(struct cmsghdr) char control[CONTROL_SIZE] = {0};
        struct iovec data = {
                .iov_base = batch_numbers,
                .iov_len = batch_size * sizeof(*batch_numbers),
        };
        struct msghdr message = {
                .msg_iov = &data,
                .msg_iovlen = 1,
                .msg_control = control,
                .msg_controllen = CMSG_SPACE(batch_size * sizeof(int)),
        };
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);

        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(batch_size * sizeof(int));
        memcpy(CMSG_DATA(header), batch_fds, batch_size * sizeof(int));
        program_check((int)sendmsg(ends[0], &message, MSG_NOSIGNAL), "sendmsg");
        batch_size = 0;
}

static unsigned flush(bool wait)
{
        unsigned marks = 0;
        char answer;

        if (batch_size > 0)
                send_batch();
        while (recv(ends[0], &answer, 1, wait && marks == 0 ? 0 : MSG_DONTWAIT) == 1)
                marks++;
        if (errno != EAGAIN)
                program_fail("the other process has ended");
        return marks;
}

static void close_place(unsigned place)
{
        close(fd_of[place]);
}

int main(int argc, char **argv)
{
        static const RegistrationsMethod method = {
                .add = add,
                .flush = flush,
                .close = close_place,
        };
        pid_t pid;

        program_begin("bare_registrations");
        program_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
        pid = program_check(fork(), "fork");
        if (pid == 0) {
                close(ends[0]);
                serve(ends[1]);
        }
        close(ends[1]);
        registrations_run(&method, pid, argc, argv);
        return 0;
}
