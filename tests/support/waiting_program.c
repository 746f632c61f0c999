/*
 * Programs that wait, some of them badly, for tests of kyronctl waits beside real ones. The first
 * word says which; each says "ready", and the ports it listens on, once it is what its word says,
 * and is that until it is killed. Ports are those of 127.0.0.1.
 *
 * lost-edge           reads half of what comes, and has an edge-triggered set tell of more
 * stale               has an entry in its set whose number it has closed
 * blocked             writes to who connects to the first port until that lasts, and accepts nobody
 *                     at the second
 * send PORT SIZE      sends so many bytes and waits for an answer
 * hoard PORT TEXT N   sends the text so often, and reads nothing
 * idle PORT N         opens so many connections
 * knock PORT N        the same, and does not wait until they are open
 * churn PORT TEXT     sends the text and reads to the end, again and again, over a new connection
 *                     each time; says "trips N" when it is told to end
 * crowd N PAIRS       so many processes, each with an epoll set and, in it, both ends of so many
 *                     connections
 * rounds SECONDS      has a loop of another process answer, once a millisecond; says "p99_us N"
 */
#include "core/clock.h"
#include "tests/torture/latency.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 4096, PACE_NS = 1000000 };

static int must(int result, const char *what)
{
        if (result < 0) {
                perror(what);
                exit(1);
        }
        return result;
}

static int number_of(const char *word)
{
        return (int)strtol(word, NULL, 10);
}

static void say(const char *what, long number)
{
        dprintf(STDOUT_FILENO, "%s %ld\n", what, number);
}

/* ---- Sockets and sets ------------------------------------------------------------------------ */

static struct sockaddr_in address_of(int port)
{
        return (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_port = htons((uint16_t)port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
}

static int listen_anywhere(int backlog, int *out_port)
{
        struct sockaddr_in address = address_of(0);
        socklen_t length = sizeof(address);
        int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

        must(bind(fd, (struct sockaddr *)&address, length), "bind");
        must(listen(fd, backlog), "listen");
        must(getsockname(fd, (struct sockaddr *)&address, &length), "getsockname");
        *out_port = ntohs(address.sin_port);
        return fd;
}

static int connect_to(int port, int flags)
{
        const struct sockaddr_in address = address_of(port);
        int fd = must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), "socket");

        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 &&
            errno != EINPROGRESS)
                must(-1, "connect");
        return fd;
}

static int accept_from(int listener)
{
        return must(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept");
}

static void write_all(int fd, const char *bytes, size_t size)
{
        while (size > 0) {
                const int n = must((int)send(fd, bytes, size, MSG_NOSIGNAL), "send");

                bytes += n;
                size -= (size_t)n;
        }
}

static int open_set(void)
{
        return must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
}

static void add(int set, int fd, uint32_t events)
{
        struct epoll_event event = {.events = events, .data.fd = fd};

        must(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

/* The descriptor of the next event. */
static int next(int set)
{
        struct epoll_event event;

        while (must(epoll_wait(set, &event, 1, -1), "epoll_wait") == 0)
                ;
        return event.data.fd;
}

static _Noreturn void sleep_in(int set)
{
        for (;;)
                next(set);
}

/* ---- Those that wait badly ------------------------------------------------------------------- */

static void lose_an_edge(char **words)
{
        char bytes[65536];
        int set = open_set(), port, listener = listen_anywhere(BACKLOG, &port), size, peer;

        (void)words;
        say("ready", port);
        peer = accept_from(listener);
        add(set, peer, EPOLLIN | EPOLLET);
        for (;;) {
                next(set);
                must(ioctl(peer, FIONREAD, &size), "FIONREAD");
                if (size > (int)sizeof(bytes))
                        size = sizeof(bytes);
                must((int)read(peer, bytes, (size_t)size / 2), "read");
        }
}

static void leave_an_entry(char **words)
{
        int set = open_set(), port, listener = listen_anywhere(BACKLOG, &port);
        int other = connect_to(port, 0), peer = accept_from(listener);

        (void)words;
        add(set, listener, EPOLLIN);
        add(set, peer, EPOLLIN);
        /* As by a child that has inherited it. */
        must(dup(peer), "dup");
        close(peer);
        say("ready", other);
        sleep_in(set);
}

static void be_blocked(char **words)
{
        static const char bytes[65536];
        int port, door_port, listener = listen_anywhere(BACKLOG, &port);
        int set = open_set(), door = listen_anywhere(1, &door_port);

        (void)words;
        add(set, door, EPOLLIN);
        dprintf(STDOUT_FILENO, "ready %d %d\n", port, door_port);
        for (int peer = accept_from(listener);;)
                write_all(peer, bytes, sizeof(bytes));
}

static void hoard(char **words)
{
        int fd = connect_to(number_of(words[0]), 0);

        for (int i = number_of(words[2]); i > 0; i--)
                write_all(fd, words[1], strlen(words[1]));
        say("ready", fd);
        for (;;)
                pause();
}

/* ---- Those that wait well -------------------------------------------------------------------- */

static void send_some(char **words)
{
        int fd = connect_to(number_of(words[0]), 0), set = open_set();
        const size_t size = (size_t)number_of(words[1]);
        char *bytes = calloc(size, 1);

        if (!bytes)
                must(-1, "calloc");
        write_all(fd, bytes, size);
        free(bytes);
        add(set, fd, EPOLLIN);
        say("ready", fd);
        sleep_in(set);
}

static void open_many(char **words, int flags)
{
        int set = open_set(), count = number_of(words[1]);

        for (int i = 0; i < count; i++)
                add(set, connect_to(number_of(words[0]), flags), EPOLLIN);
        say("ready", count);
        sleep_in(set);
}

static void be_idle(char **words)
{
        open_many(words, 0);
}

static void knock(char **words)
{
        open_many(words, SOCK_NONBLOCK);
}

static volatile sig_atomic_t ending;

static void on_end(int signal)
{
        (void)signal;
        ending = 1;
}

static void churn(char **words)
{
        char bytes[65536];
        long trips = 0;

        signal(SIGTERM, on_end);
        say("ready", 0);
        while (!ending) {
                int fd = connect_to(number_of(words[0]), 0);
                ssize_t n;

                write_all(fd, words[1], strlen(words[1]));
                while ((n = read(fd, bytes, sizeof(bytes))) > 0)
                        ;
                trips += n == 0;
                close(fd);
        }
        say("trips", trips);
}

static _Noreturn void be_in_crowd(int pairs, int tell_fd)
{
        int port, listener = listen_anywhere(BACKLOG, &port), set = open_set();

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        add(set, listener, EPOLLIN);
        for (int i = 0; i < pairs; i++) {
                add(set, connect_to(port, 0), EPOLLIN);
                add(set, accept_from(listener), EPOLLIN);
        }
        close(tell_fd);
        sleep_in(set);
}

static void make_crowd(char **words)
{
        const int count = number_of(words[0]);
        int ends[2];
        char byte;

        must(pipe(ends), "pipe");
        for (int i = 0; i < count; i++) {
                if (must(fork(), "fork") == 0) {
                        close(ends[0]);
                        be_in_crowd(number_of(words[1]), ends[1]);
                }
        }
        close(ends[1]);
        /* It ends when all have closed theirs. */
        must((int)read(ends[0], &byte, 1), "read");
        close(ends[0]);
        say("ready", count);
        for (;;)
                pause();
}

static _Noreturn void answer_rounds(int fd)
{
        int set = open_set();
        char byte;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        add(set, fd, EPOLLIN);
        for (;;) {
                next(set);
                if (read(fd, &byte, 1) != 1 || write(fd, &byte, 1) != 1)
                        _exit(1);
        }
}

/* A round that begins late because the one before lasted counts from when it should have begun. */
static void make_rounds(char **words)
{
        static Latency latency;
        const uint64_t end = clock_now_ns() + (uint64_t)number_of(words[0]) * 1000000000;
        int ends[2];
        char byte = 0;

        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
        if (must(fork(), "fork") == 0) {
                close(ends[0]);
                answer_rounds(ends[1]);
        }
        for (uint64_t due = clock_now_ns(); due < end; due += PACE_NS) {
                const struct timespec then = {
                        .tv_sec = (time_t)(due / 1000000000),
                        .tv_nsec = (long)(due % 1000000000),
                };

                clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL);
                if (write(ends[0], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
                        must(-1, "a round");
                latency_add(&latency, clock_now_ns() - due);
        }
        say("p99_us", (long)(latency_percentile(&latency, 0.99) / 1000));
}

/* ---- The whole ------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
        static const struct {
                const char *word;
                int arguments;
                void (*play)(char **words);
        } parts[] = {
                {"lost-edge", 0, lose_an_edge},
                {"stale", 0, leave_an_entry},
                {"blocked", 0, be_blocked},
                {"send", 2, send_some},
                {"hoard", 3, hoard},
                {"idle", 2, be_idle},
                {"knock", 2, knock},
                {"churn", 2, churn},
                {"crowd", 2, make_crowd},
                {"rounds", 1, make_rounds},
        };

        for (size_t i = 0; argc > 1 && i < sizeof(parts) / sizeof(parts[0]); i++) {
                if (strcmp(argv[1], parts[i].word) == 0 && argc == parts[i].arguments + 2) {
                        parts[i].play(argv + 2);
                        return 0;
                }
        }
        fprintf(stderr, "usage: waiting_program PART [ARGUMENT]...; its source says which\n");
        return 2;
}
