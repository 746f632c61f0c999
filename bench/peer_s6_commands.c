/*
 * Holding and taking with s6-fdholderd, at $S6_SOCKET, as scripts do: s6-fdholder-store and
 * s6-fdholder-retrieve, a process for each. See holds.h. The second becomes the program that has
 * the descriptor then: this one, which passes it back.
 */
#include "bench/holds.h"
#include "bench/program.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BACK = 3 }; /* the number of the socket that it is passed through */

typedef struct Place {
        pid_t pid; /* 0: it is not under way */
        int back;  /* this end of the socket; -1: it holds */
        int *out;
} Place;

static Place places[HOLDS_MAX];
static const char *socket_path;

/* ---- The program that has taken it --------------------------------------------------------- */

static int pass_back(void)
{
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
                                .cmsg_level = SOL_SOCKET,
                                .cmsg_type = SCM_RIGHTS}};
        const int fd = STDIN_FILENO;
        char byte = 0;
        struct iovec data = {.iov_base = &byte, .iov_len = 1};
        struct msghdr message = {
                .msg_iov = &data,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };

        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        return sendmsg(BACK, &message, 0) == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int receive_back(int fd)
{
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = {.header = {.cmsg_len = 0}};
        char byte;
        struct iovec data = {.iov_base = &byte, .iov_len = 1};
        struct msghdr message = {
                .msg_iov = &data,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        int taken;

        if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
                program_fail("nothing was taken");
        memcpy(&taken, CMSG_DATA(&control.header), sizeof(taken));
        return taken;
}

/* ---- The measurement ----------------------------------------------------------------------- */

/* Starts a command with this descriptor under this number. */
static pid_t start(const char *const *words, int borrow_fd, int number)
{
        posix_spawn_file_actions_t actions;
        pid_t pid;

        if (posix_spawn_file_actions_init(&actions) != 0 ||
            posix_spawn_file_actions_adddup2(&actions, borrow_fd, number) != 0 ||
            posix_spawnp(&pid, words[0], &actions, NULL, (char *const *)words, environ) != 0)
                program_fail("cannot start %s", words[0]);
        posix_spawn_file_actions_destroy(&actions);
        return pid;
}

static void hold(unsigned place, int borrow_fd, const char *name)
{
        const char *words[] = {"s6-fdholder-store", "-T", "3600000", socket_path, name, NULL};

        places[place] = (Place){.pid = start(words, borrow_fd, STDIN_FILENO), .back = -1};
}

static void take(unsigned place, const char *name, int *out)
{
        char self[4096];
        ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
        const char *words[] = {
                "s6-fdholder-retrieve", "-D", socket_path, name, self, "pass", NULL,
        };
        int ends[2];

        program_check((int)size, "/proc/self/exe");
        self[size] = '\0';
        program_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), "socketpair");
        places[place] = (Place){.pid = start(words, ends[1], BACK), .back = ends[0], .out = out};
        close(ends[1]);
}

static void settle(void)
{
        for (unsigned i = 0; i < HOLDS_MAX; i++) {
                Place *place = &places[i];
                int status;

                if (place->pid == 0)
                        continue;
                program_check(waitpid(place->pid, &status, 0), "waitpid");
                if (status != 0)
                        program_fail("a command failed");
                if (place->back >= 0) {
                        *place->out = receive_back(place->back);
                        close(place->back);
                }
                place->pid = 0;
        }
}

int main(int argc, char **argv)
{
        static const HoldsMethod method = {.hold = hold, .take = take, .settle = settle};

        if (argc == 2 && strcmp(argv[1], "pass") == 0)
                return pass_back();
        program_begin("peer_s6_commands");
        socket_path = getenv("S6_SOCKET");
        if (!socket_path)
                program_fail("where? S6_SOCKET");
        holds_run(&method, argc, argv);
        return 0;
}
