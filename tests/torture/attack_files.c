/*
 * Descriptors that are traps: that are never done being closed, whose file system never answers,
 * that have always something to tell.
 */
#include "core/io_id.h"
#include "tests/support/silent_fuse.h"
#include "tests/torture/attack_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
        LINGER_S = 30,
        LINGERING = 16,        /* in a packet */
        LINGERING_PEERS = 512, /* which read nothing, and are closed in their turn */
        HUNG_UP = 128,
        SILENT_COPIES = 8,
        INTERRUPT_US = 1000,
        PAUSE_NS = 1000000,
};

static int listen_on_loopback(struct sockaddr_in *address)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof(*address);

        *address = (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        if (fd < 0 || bind(fd, (struct sockaddr *)address, size) < 0 || listen(fd, LINGERING) < 0 ||
            getsockname(fd, (struct sockaddr *)address, &size) < 0)
                attack_give_up("a listener");
        return fd;
}

/* A connection with more unsent than its peer takes: whoever closes it last has to wait. */
static int open_lingering(int listener, const struct sockaddr_in *address, int *peer)
{
        static const char bytes[65536];
        const struct linger linger = {.l_onoff = 1, .l_linger = LINGER_S};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
                attack_give_up("a connection");
        *peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (*peer < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) < 0)
                attack_give_up("a connection");
        while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
                ;
        return fd;
}

static void on_alarm(int signal)
{
        (void)signal;
}

/* Where the daemon was faster, ours is the last copy and lingers: signals end that. */
static void close_all(const int *fds, int n)
{
        static const struct itimerval tick = {
                .it_interval.tv_usec = INTERRUPT_US,
                .it_value.tv_usec = INTERRUPT_US,
        };

        setitimer(ITIMER_REAL, &tick, NULL);
        for (int i = 0; i < n; i++)
                close(fds[i]);
        setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

static void linger(Attack *attack)
{
        static AttackPacket packet;
        static int peers[LINGERING_PEERS];
        const struct sigaction action = {.sa_handler = on_alarm}; /* calls are not restarted */
        AttackSession session = {.fd = -1};
        struct sockaddr_in address;
        int listener = listen_on_loopback(&address), fds[LINGERING];
        uint32_t generation = 1;
        unsigned next = 0;

        for (int i = 0; i < LINGERING_PEERS; i++)
                peers[i] = -1;
        sigaction(SIGALRM, &action, NULL);
        while (attack_goes_on(attack)) {
                if (!attack_session_open(&session, attack))
                        continue;
                generation = io_id_next_generation(generation);
                attack_packet_add(&packet, 0, LINGERING, generation, READINESS_READABLE, true);
                for (int i = 0; i < LINGERING; i++) {
                        int *peer = &peers[next++ % LINGERING_PEERS];

                        if (*peer >= 0)
                                close(*peer);
                        fds[i] = open_lingering(listener, &address, peer);
                }
                if (attack_session_push(&session, attack, packet.bytes, packet.size, fds,
                                        LINGERING))
                        attack_count(attack, LINGERING);
                close_all(fds, LINGERING);
                attack_session_drain(&session);
        }
}

static bool mount_silent(Attack *attack)
{
        attack->file_fd = silent_fuse_open(S_IFREG);
        return attack->file_fd >= 0;
}

/* Copies of a file whose server has stopped answering: whoever asks about it, or closes it, hangs.
 * */
static void hang(Attack *attack)
{
        static AttackPacket packet;
        AttackSession session = {.fd = -1};
        uint32_t generation = 1;
        int fds[SILENT_COPIES];

        for (int i = 0; i < SILENT_COPIES; i++)
                fds[i] = attack->file_fd;
        while (attack_goes_on(attack)) {
                if (!attack_session_open(&session, attack))
                        continue;
                generation = io_id_next_generation(generation);
                attack_packet_add(&packet, 0, SILENT_COPIES, generation, READINESS_READABLE, true);
                if (attack_session_send(&session, packet.bytes, packet.size, fds, SILENT_COPIES) ==
                    0)
                        attack_count(attack, SILENT_COPIES);
                attack_session_drain(&session);
                nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        }
        /* This end of the session goes first: closing the file would wait for what has it too. */
        attack_session_close(&session);
}

/* Pipes without a writer, which hang up for ever. Each packet asks for all of them once more. */
static void hang_up(Attack *attack)
{
        static AttackPacket packet;
        AttackSession session = {.fd = -1};
        int fds[HUNG_UP];

        for (int i = 0; i < HUNG_UP; i++) {
                int ends[2];

                if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                        attack_give_up("a pipe");
                fds[i] = ends[0];
                close(ends[1]);
        }
        attack_packet_add(&packet, 0, HUNG_UP, 1, READINESS_READABLE, false);
        while (attack_goes_on(attack)) {
                if (!attack_session_open(&session, attack))
                        continue;
                if (attack_session_push(&session, attack, packet.bytes, packet.size, fds, HUNG_UP))
                        attack_count(attack, HUNG_UP);
                attack_session_drain(&session);
        }
}

const AttackKind attack_files[] = {
        {"linger", "lingering sockets", NULL, linger},
        {"hostile-fuse", "copies", mount_silent, hang},
        {"hup", "hung up pipes", NULL, hang_up},
        {0},
};
